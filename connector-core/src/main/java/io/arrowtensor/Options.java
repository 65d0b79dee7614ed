package io.arrowtensor;

import java.io.Serializable;
import org.apache.arrow.memory.BufferAllocator;
import org.jspecify.annotations.Nullable;

/**
 * How a conversion is to be done. Immutable; start from {@link #defaults()}. Safe to share between
 * threads and to serialize (the allocator stays behind: each worker brings its own).
 */
public final class Options implements Serializable {
  private static final long serialVersionUID = 1;
  private static final int DEFAULT_ALIGNMENT = 64;
  private static final Options DEFAULTS = new Options(new Values());

  private final Values values;

  private Options(Values values) {
    this.values = values;
  }

  /**
   * Stay on the device of the source, copy only if needed, reject nulls, refuse logical types,
   * share access and stream of the source.
   */
  public static Options defaults() {
    return DEFAULTS;
  }

  /**
   * The device asked for, null to stay where the source is. Never silent: memory elsewhere is
   * refused, or transferred when asked.
   */
  public @Nullable Device device() {
    return values.device;
  }

  /** Whether a copy is allowed. */
  public Copy copy() {
    return values.copy;
  }

  /** What happens to nulls. */
  public Nulls nulls() {
    return values.nulls;
  }

  /** The consumer's stream, {@link Stream#NONE} for host memory. */
  public Stream stream() {
    return values.stream;
  }

  /**
   * Where copies are allocated and accounted, null for native memory outside any Arrow allocator.
   */
  public @Nullable BufferAllocator allocator() {
    return values.allocator;
  }

  /**
   * Alignment in bytes that the result must have; 0 (default) takes shared memory as it is. New
   * memory has 64 bytes or more.
   */
  public int alignment() {
    return values.alignment;
  }

  /**
   * Alignment in bytes of memory that a conversion allocates: {@link #alignment()}, at least 64.
   */
  public int allocationAlignment() {
    return Math.max(DEFAULT_ALIGNMENT, values.alignment);
  }

  /** What happens to logical types. */
  public Storage storage() {
    return values.storage;
  }

  /** How long an export of a borrowed array lives. */
  public Lifetime lifetime() {
    return values.lifetime;
  }

  /** Who may write. */
  public Access access() {
    return values.access;
  }

  /** Asks for a device. */
  public Options withDevice(Device device) {
    return with(v -> v.device = device);
  }

  /** Allows, forbids or demands copies. */
  public Options withCopy(Copy copy) {
    return with(v -> v.copy = copy);
  }

  /** Chooses what happens to nulls. */
  public Options withNulls(Nulls nulls) {
    return with(v -> v.nulls = nulls);
  }

  /** Names the consumer's stream, for memory that is not the host's. */
  public Options withStream(Stream stream) {
    return with(v -> v.stream = stream);
  }

  /** Accounts copies to {@code allocator}, which stays the caller's. */
  public Options withAllocator(BufferAllocator allocator) {
    return with(v -> v.allocator = allocator);
  }

  /** Requires an alignment of {@code bytes}, a power of two up to 4096, or 0 for any. */
  public Options withAlignment(int bytes) {
    if (bytes < 0 || bytes > 4096 || Integer.bitCount(bytes) > 1) {
      throw new IllegalArgumentException(
          "Invalid alignment " + bytes + ": expected 0 or a power of two up to 4096");
    }
    return with(v -> v.alignment = bytes);
  }

  /** Chooses what happens to logical types. */
  public Options withStorage(Storage storage) {
    return with(v -> v.storage = storage);
  }

  /** Chooses how long an export of a borrowed array lives. */
  public Options withLifetime(Lifetime lifetime) {
    return with(v -> v.lifetime = lifetime);
  }

  /** Asks for access. */
  public Options withAccess(Access access) {
    return with(v -> v.access = access);
  }

  private Options with(java.util.function.Consumer<Values> change) {
    Values copy = values.copyOf();
    change.accept(copy);
    return new Options(copy);
  }

  @Override
  public String toString() {
    return String.format(
        "Options[device=%s, copy=%s, nulls=%s, stream=%s, alignment=%d, storage=%s, lifetime=%s, access=%s]",
        values.device,
        values.copy,
        values.nulls,
        values.stream,
        values.alignment,
        values.storage,
        values.lifetime,
        values.access);
  }

  private static final class Values implements Serializable {
    private static final long serialVersionUID = 1;
    private @Nullable Device device;
    private Copy copy = Copy.IF_NEEDED;
    private Nulls nulls = Nulls.REJECT;
    private Stream stream = Stream.NONE;
    private transient @Nullable BufferAllocator allocator;
    private int alignment;
    private Storage storage = Storage.REFUSE;
    private Lifetime lifetime = Lifetime.DETACHED;
    private Access access = Access.AS_SOURCE;

    private Values copyOf() {
      Values copy = new Values();
      copy.device = device;
      copy.copy = this.copy;
      copy.nulls = nulls;
      copy.stream = stream;
      copy.allocator = allocator;
      copy.alignment = alignment;
      copy.storage = storage;
      copy.lifetime = lifetime;
      copy.access = access;
      return copy;
    }
  }
}
