package io.arrowtensor;

import io.arrowtensor.internal.LeakReports;
import io.arrowtensor.internal.Owner;
import io.arrowtensor.internal.RawMemory;
import io.arrowtensor.internal.Reclaim;
import io.arrowtensor.internal.Scope;
import io.arrowtensor.internal.Shapes;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The device-tagged array: an address (or an opaque handle), a {@link Device}, a {@link DType}, a
 * shape, strides, and an owner. Immutable but for being closed; reading is safe from any thread.
 *
 * <p><b>Ownership.</b> An owned array frees or releases its memory when it is closed and every
 * export of it has been released, whichever is last, on that thread. An array of a borrowed batch
 * may be used until the function that got the batch returns; afterwards its methods throw.
 * Addresses, buffers and structs already handed out cannot be guarded: do not keep them longer.
 *
 * <p>An owned array that becomes unreachable without {@link #close()} is reported and leaked, never
 * freed under someone's pointer. Batches that a stream engine passes on are the exception: an
 * engine closes nothing that it drops, so their memory is freed when the last array over it has
 * become unreachable, and whoever uses an address or a buffer of such an array keeps the array
 * reachable.
 */
public final class DeviceArray implements ArraySource, AutoCloseable {
  private static final VarHandle CLOSED;

  static {
    try {
      CLOSED = MethodHandles.lookup().findVarHandle(DeviceArray.class, "closed", boolean.class);
    } catch (ReflectiveOperationException e) {
      throw new LinkageError("DeviceArray.closed", e);
    }
  }

  private final long address;
  private final long byteOffset;
  private final Device device;
  private final DType dtype;
  private final long[] shape;
  private final long[] strides;
  private final List<String> dimNames;
  private final boolean readOnly;
  private final @Nullable Owner owner;
  private final @Nullable Scope scope;
  private final Ready ready;
  private final Outcome outcome;
  private final LeakReports.@Nullable Ticket ticket;
  private final Cleaner.@Nullable Cleanable reclaimed;
  private volatile boolean closed;

  private DeviceArray(Memory memory) {
    this.address = memory.start();
    this.byteOffset = memory.device().type().isAddressable() ? 0 : memory.offset();
    this.device = memory.device();
    this.dtype = memory.dtype();
    this.shape = memory.shape();
    this.strides = memory.strides();
    this.dimNames = memory.dimNames();
    this.readOnly = memory.readOnly();
    this.owner = memory.owner();
    this.scope = memory.scope();
    this.ready = memory.ready();
    Outcome known = memory.outcome();
    this.outcome = known != null ? known : Outcome.zeroCopy(nbytes());
    Reclaim reclaim = owner == null ? null : owner.reclaim();
    this.ticket = owner != null && reclaim == null ? LeakReports.track(this, nbytes()) : null;
    this.reclaimed = owner != null && reclaim != null ? reclaim.track(this, owner) : null;
  }

  /** As {@link #from(ArraySource, Options)} with {@link Options#defaults()}. */
  public static DeviceArray from(ArraySource source) {
    return from(source, Options.defaults());
  }

  /**
   * The one constructor: makes an array of any source, sharing its memory where the options allow
   * it and copying, counted, where they do not.
   *
   * @return an array that the caller closes
   * @throws CopyRefusedException when a copy would be needed and {@link Copy#NEVER} forbids it
   * @throws DeviceMismatchException when the memory lives elsewhere than {@link Options#device()}
   *     asks and cannot be transferred there
   * @throws InterchangeException when the source cannot be described; everything taken has been
   *     released
   */
  public static DeviceArray from(ArraySource source, Options options) {
    return new DeviceArray(Placement.open(source, options));
  }

  /**
   * The address of the first element, byte offset included; on devices without addresses the opaque
   * handle. Borrowed until close.
   */
  public long address() {
    check();
    return address;
  }

  /** Bytes from the handle to the first element; 0 wherever the device has addresses. */
  public long byteOffset() {
    return byteOffset;
  }

  /** Where the memory lives. */
  public Device device() {
    return device;
  }

  /**
   * When the memory may be read. Whoever passes on {@link #address()} of device memory waits for
   * this first; exports, transfers and copies do so themselves. {@link Ready#NOW} for memory that
   * the host can reach.
   */
  public Ready ready() {
    return ready;
  }

  /** The type of one element. */
  public DType dtype() {
    return dtype;
  }

  /** The dimensions; empty for a scalar. A copy. */
  public long[] shape() {
    return shape.clone();
  }

  /** Elements from one index to the next, for each dimension. A copy. */
  public long[] strides() {
    return strides.clone();
  }

  /** The number of dimensions. */
  public int ndim() {
    return shape.length;
  }

  /** The size of dimension {@code d}. */
  public long dim(int d) {
    return shape[d];
  }

  /** The number of elements. */
  public long size() {
    return Shapes.size(shape);
  }

  /** Bytes of all elements, without gaps between them. */
  public long nbytes() {
    return Shapes.bytes(shape, dtype);
  }

  /** Names of the dimensions, or an empty list. */
  public List<String> dimNames() {
    return dimNames;
  }

  /** Whether elements lie in row-major order without gaps. */
  public boolean isContiguous() {
    return Shapes.isRowMajor(shape, strides);
  }

  /** Whether nobody may write through this array. */
  public boolean isReadOnly() {
    return readOnly;
  }

  /**
   * The largest power of two that divides the address, at most 4096; 4096 for an empty array
   * without memory.
   */
  public int alignment() {
    check();
    return alignmentOf(address);
  }

  static int alignmentOf(long address) {
    return (int) Math.min(4096, address == 0 ? 4096 : Long.lowestOneBit(address));
  }

  /** What it took to make this array. */
  public Outcome outcome() {
    return outcome;
  }

  /**
   * The memory as a direct buffer in native byte order, without copy; read-only where the array is.
   * It is valid until the array is closed, which nothing can check afterwards.
   *
   * @throws InterchangeException for memory that the host cannot reach, is not contiguous or is
   *     larger than 2 GiB: use {@link #byteBuffer(long, int)} there
   */
  public ByteBuffer byteBuffer() {
    long bytes = nbytes();
    if (bytes > Integer.MAX_VALUE) {
      throw new InterchangeException(
          "Cannot view "
              + bytes
              + " bytes as one ByteBuffer: the limit is 2 GiB; take windows with byteBuffer(offset, length)");
    }
    return byteBuffer(0, (int) bytes);
  }

  /** As {@link #byteBuffer()}, for the {@code length} bytes behind {@code offset}. */
  public ByteBuffer byteBuffer(long offset, int length) {
    check();
    requireHostContiguous("view as a ByteBuffer");
    if (offset < 0 || length < 0 || offset > nbytes() - length) {
      throw new IndexOutOfBoundsException(
          "Invalid window of "
              + length
              + " bytes at "
              + offset
              + ": the array has "
              + nbytes()
              + " bytes");
    }
    ByteBuffer buffer =
        length == 0 ? ByteBuffer.allocateDirect(0) : RawMemory.byteBuffer(address + offset, length);
    return (readOnly ? buffer.asReadOnlyBuffer() : buffer).order(ByteOrder.nativeOrder());
  }

  /**
   * The memory from the first element to the end of the last one, and what lies between them, as a
   * direct buffer in native byte order: element (i, j) starts at byte {@code (i * strides[0] + j *
   * strides[1]) * itemSize}. Read-only, as what lies between may be another array's. It is valid
   * until the array is closed, which nothing can check afterwards.
   *
   * @throws InterchangeException for memory that the host cannot reach, has elements before the
   *     first one or of less than a byte, or spans more than 2 GiB
   */
  public ByteBuffer spanBuffer() {
    check();
    String verb = "view the span of";
    device.requireHostAccessible(verb);
    long[] extent = Shapes.extent(shape, strides, dtype);
    long bytes = (extent[1] + 1) * dtype.itemSize();
    if (extent[0] < 0 || !dtype.isWholeBytes() || bytes > Integer.MAX_VALUE) {
      throw new InterchangeException(
          "Cannot "
              + verb
              + " an array of "
              + dtype
              + " with strides "
              + Arrays.toString(strides)
              + " for shape "
              + Arrays.toString(shape)
              + ": expected whole bytes, at most 2 GiB, none before the first element; copy it with"
              + " contiguous(Options)");
    }
    ByteBuffer span =
        bytes == 0 ? ByteBuffer.allocateDirect(0) : RawMemory.byteBuffer(address, (int) bytes);
    return span.asReadOnlyBuffer().order(ByteOrder.nativeOrder());
  }

  /**
   * Checks that the host can read the memory front to back. {@code verb} completes the sentence
   * "Cannot ... ".
   */
  public void requireHostContiguous(String verb) {
    device.requireHostAccessible(verb);
    if (!isContiguous()) {
      throw new UnsupportedTypeException(
          "Cannot "
              + verb
              + " an array with strides "
              + Arrays.toString(strides)
              + " for shape "
              + Arrays.toString(shape)
              + ": it is not contiguous; copy it with contiguous(Options)");
    }
  }

  /**
   * This array in row-major order without gaps: a view that shares the memory when it already is,
   * else a copy counted as {@link CopyReason#NOT_CONTIGUOUS}. The caller closes the result; this
   * array stays open.
   *
   * @throws CopyRefusedException when a copy is needed and not allowed
   */
  public DeviceArray contiguous(Options options) {
    return new DeviceArray(Placement.contiguous(this, options));
  }

  /**
   * A view that shares this array's memory and holds a reference to its owner; the array may be
   * closed first.
   */
  @Override
  public Memory open(Options options) {
    check();
    try {
      return new Memory(
          address,
          dtype,
          shape,
          strides,
          byteOffset,
          device,
          dimNames,
          readOnly,
          owner == null ? null : owner.retain(),
          scope,
          null,
          ready);
    } finally {
      Reference.reachabilityFence(this); // until the memory has a reference of its own
    }
  }

  private void check() {
    if (scope != null) {
      scope.check(); // first: the end of the batch, which closed this array, tells what to do
    }
    if (closed) {
      throw new IllegalStateException(
          "Cannot use an array that was closed: keep it open while it is used");
    }
  }

  /** Whether {@link #close()} was called. */
  public boolean isClosed() {
    return closed;
  }

  /**
   * Releases the memory, or this array's part in it when exports, views or running copies still
   * hold it. Idempotent, from any thread.
   */
  @Override
  public void close() {
    if (CLOSED.compareAndSet(this, false, true)) {
      if (ticket != null) {
        ticket.done();
      }
      if (reclaimed != null) {
        reclaimed.clean(); // releases, unless the collector was first
      } else if (owner != null) {
        owner.release();
      }
    }
  }

  /** NumPy's header line plus device, alignment and outcome; never touches the data. */
  @Override
  public String toString() {
    String where = closed ? "closed" : "align=" + alignmentOf(address);
    return "DeviceArray(shape="
        + Arrays.toString(shape).replace("[", "(").replace("]", ")")
        + ", dtype="
        + dtype
        + ", strides="
        + Arrays.toString(strides).replace("[", "(").replace("]", ")")
        + (dimNames.isEmpty() ? "" : ", dims=" + dimNames)
        + ", device="
        + device
        + (readOnly ? ", read-only" : "")
        + ", "
        + where
        + ", "
        + outcome
        + ")";
  }
}
