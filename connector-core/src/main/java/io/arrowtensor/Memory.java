package io.arrowtensor;

import io.arrowtensor.internal.BulkCopy;
import io.arrowtensor.internal.Owner;
import io.arrowtensor.internal.Scope;
import io.arrowtensor.internal.Shapes;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A description of strided memory with an owner: what every {@link ArraySource} boils down to, and
 * the door for engines and column formats that have an address. Immutable; used once, as the owner
 * passes to the array that is made of it. Values are checked then.
 *
 * <pre>{@code
 * Memory memory = Memory.borrow(address, DType.FLOAT32, rows, 8).withOwner(engineBuffer::release);
 * try (DeviceArray array = DeviceArray.from(memory)) { ... }
 * }</pre>
 *
 * @param address of the first element less {@code offset}, or an opaque handle where the device has
 *     no addresses
 * @param dtype the element type
 * @param shape the dimensions; not copied, not to be changed
 * @param strides in elements; not copied, not to be changed
 * @param offset from the address to the first element
 * @param device where the memory lives
 * @param dimNames a name for each dimension, or an empty list
 * @param readOnly whether consumers must not write
 * @param owner one reference to what keeps the memory alive, null for memory that the caller
 *     guarantees
 * @param scope the time for which the memory is lent, null for memory that is not bound to a batch
 * @param outcome what it took to come by this memory, null for memory that was found as it is
 * @param ready when it may be read
 */
@SuppressWarnings(
    "ArrayRecordComponent") // arrays are shared on purpose: a description is made for every batch
public record Memory(
    long address,
    DType dtype,
    long[] shape,
    long[] strides,
    long offset,
    Device device,
    List<String> dimNames,
    boolean readOnly,
    @Nullable Owner owner,
    @Nullable Scope scope,
    @Nullable Outcome outcome,
    Ready ready)
    implements ArraySource {

  /** Copies the names. */
  public Memory {
    dimNames = List.copyOf(dimNames);
  }

  /**
   * Describes row-major, read-only host memory that stays the caller's. Without {@link
   * #withOwner(Runnable)} the caller guarantees that it outlives the array and all exports of it.
   *
   * @param address of the first element, or an opaque handle where the device has no addresses; 0
   *     only for empty arrays
   * @param dtype the element type
   * @param shape the dimensions, none for a scalar; not copied, not to be changed
   */
  public static Memory borrow(long address, DType dtype, long... shape) {
    return new Memory(
        address,
        dtype,
        shape,
        Shapes.rowMajor(shape),
        0,
        Device.CPU,
        List.of(),
        true,
        null,
        null,
        null,
        Ready.NOW);
  }

  /**
   * Describes the bytes between position and limit of a direct buffer: shared, row-major, read-only
   * where the buffer is. The array and its exports keep the buffer object, and so its memory,
   * reachable; memory that its creator frees by other means must outlive them.
   *
   * @param buffer with as many bytes as the shape takes, in native order where elements have more
   *     than one byte; its position and limit are read now and not changed
   * @param dtype the element type
   * @param shape the dimensions, none for a scalar; not copied, not to be changed
   * @throws InterchangeException for a buffer on the Java heap, of another size or of foreign order
   */
  public static Memory view(ByteBuffer buffer, DType dtype, long... shape) {
    return DirectBuffers.view(buffer, dtype, shape);
  }

  /**
   * New, writable, row-major host memory, not initialised: allocated when the array is made, from
   * the allocator and with the alignment that the options name; freed when the array is closed and
   * its last export released.
   *
   * <pre>{@code
   * DeviceArray scores = DeviceArray.from(Memory.allocate(DType.FLOAT32, rows), Options.defaults().withAllocator(context.allocator()));
   * }</pre>
   */
  public static ArraySource allocate(DType dtype, long... shape) {
    return options -> BulkCopy.allocate(dtype, shape, options);
  }

  /** The same with strides, in elements; negative and 0 are allowed. */
  public Memory withStrides(long... strides) {
    return new Memory(
        address, dtype, shape, strides, offset, device, dimNames, readOnly, owner, scope, outcome,
        ready);
  }

  /** The same with its first element {@code bytes} behind the address. */
  public Memory withByteOffset(long offset) {
    return new Memory(
        address, dtype, shape, strides, offset, device, dimNames, readOnly, owner, scope, outcome,
        ready);
  }

  /** The same on another device. */
  public Memory withDevice(Device device) {
    return new Memory(
        address, dtype, shape, strides, offset, device, dimNames, readOnly, owner, scope, outcome,
        ready);
  }

  /** The same with named dimensions. */
  public Memory withDimNames(List<String> dimNames) {
    return new Memory(
        address, dtype, shape, strides, offset, device, dimNames, readOnly, owner, scope, outcome,
        ready);
  }

  /** The same, read-only or writable. */
  public Memory withReadOnly(boolean readOnly) {
    return new Memory(
        address, dtype, shape, strides, offset, device, dimNames, readOnly, owner, scope, outcome,
        ready);
  }

  /**
   * Hands over the release: {@code release} runs exactly once, on the thread that closes the array
   * or drops its last export, or at once when making the array fails.
   */
  public Memory withOwner(Runnable release) {
    return withOwner(
        new Owner() {
          @Override
          protected void free() {
            release.run();
          }
        });
  }

  /** Hands over one reference of {@code owner}; for sources of this library. */
  public Memory withOwner(@Nullable Owner owner) {
    return new Memory(
        address, dtype, shape, strides, offset, device, dimNames, readOnly, owner, scope, outcome,
        ready);
  }

  /** The same, lent for the time of {@code scope}; for batch producers of this library. */
  public Memory withScope(Scope scope) {
    return new Memory(
        address, dtype, shape, strides, offset, device, dimNames, readOnly, owner, scope, outcome,
        ready);
  }

  /** The same with a statement of what it took to come by it. */
  public Memory withOutcome(Outcome outcome) {
    return new Memory(
        address, dtype, shape, strides, offset, device, dimNames, readOnly, owner, scope, outcome,
        ready);
  }

  /**
   * The same, written by work of its device that may still run: what reads it waits for {@code
   * ready} first.
   */
  public Memory withReady(Ready ready) {
    return new Memory(
        address, dtype, shape, strides, offset, device, dimNames, readOnly, owner, scope, outcome,
        ready);
  }

  /**
   * Opens {@code source} for a struct that its consumer may keep as long as it wants: placed as the
   * options ask, and, where a batch lent the memory, copied ({@link CopyReason#BORROWED}) or pinned
   * ({@link Lifetime#SCOPE}). The caller releases the result.
   *
   * <p>The consumer's stream, {@link Options#stream()}, waits for the memory: the result is {@link
   * Ready#NOW}. Only with {@link Stream#NO_SYNC} does it keep its {@link #ready()}, for formats
   * that can say so themselves.
   *
   * @throws InterchangeException when the options forbid what would be needed; nothing is held then
   */
  public static Memory forExport(ArraySource source, Options options) {
    return Placement.detached(source, options);
  }

  /**
   * As {@link #forExport}, for consumers that need row-major order without gaps: other memory is
   * copied ({@link CopyReason#NOT_CONTIGUOUS}).
   *
   * @throws InterchangeException when the options forbid what would be needed; nothing is held then
   */
  public static Memory forExportContiguous(ArraySource source, Options options) {
    return Placement.detachedContiguous(source, options);
  }

  @Override
  public Memory open(Options options) {
    return this;
  }

  /** Bytes of all elements, without gaps between them. */
  public long nbytes() {
    return Shapes.bytes(shape, dtype);
  }

  /** Drops the reference to the owner, if there is one. */
  public void release() {
    if (owner != null) {
      owner.release();
    }
  }

  /**
   * Checks dtype, shape, strides and address against each other.
   *
   * @throws InvalidStructException naming the offending value
   */
  public Memory checked() {
    long bytes = nbytes();
    if (strides.length != shape.length) {
      throw new InvalidStructException(
          "Invalid strides: " + strides.length + " of them for " + shape.length + " dimensions");
    }
    if (!dimNames.isEmpty() && dimNames.size() != shape.length) {
      throw new InvalidStructException(
          "Invalid dim names " + dimNames + ": expected " + shape.length);
    }
    if (address == 0 && bytes != 0) {
      throw new InvalidStructException(
          "Invalid data pointer: null for an array of " + bytes + " bytes");
    }
    if (offset < 0 || (device.type().isAddressable() && address > Long.MAX_VALUE - offset)) {
      throw new InvalidStructException(
          "Invalid byte offset " + offset + " behind address 0x" + Long.toHexString(address));
    }
    long low = 0;
    long high = bytes;
    if (!Shapes.isRowMajor(shape, strides)) {
      long[] extent = Shapes.extent(shape, strides, dtype);
      low = extent[0] * dtype.itemSize();
      high = (extent[1] + 1) * dtype.itemSize();
    }
    if (device.type().isAddressable()
        && (start() < 0 || start() + low < 0 || start() > Long.MAX_VALUE - high)) {
      throw new InvalidStructException(
          "Invalid data pointer 0x"
              + Long.toHexString(start())
              + ": an array of shape "
              + Arrays.toString(shape)
              + " and strides "
              + Arrays.toString(strides)
              + " would reach beyond the address space");
    }
    return this;
  }

  /** The address of the first element; the handle where the device has no addresses. */
  public long start() {
    return device.type().isAddressable() ? address + offset : address;
  }
}
