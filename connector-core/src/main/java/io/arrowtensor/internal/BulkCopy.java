package io.arrowtensor.internal;

import io.arrowtensor.CopyReason;
import io.arrowtensor.DType;
import io.arrowtensor.Device;
import io.arrowtensor.DeviceMismatchException;
import io.arrowtensor.DeviceType;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;
import io.arrowtensor.Outcome;
import io.arrowtensor.UnsupportedTypeException;
import java.util.List;

/**
 * All bulk copies of array data. Each states its bytes and its reason in the {@link Outcome} of
 * what it returns.
 */
public final class BulkCopy {
  private BulkCopy() {}

  /**
   * Allocates row-major memory, aligned and accounted as the options ask. The caller releases it.
   */
  public static Memory allocate(DType dtype, long[] shape, Options options) {
    long bytes = Shapes.bytes(shape, dtype);
    Owner owner = NativeBlock.allocate(options.allocator(), bytes, options.allocationAlignment());
    return Memory.borrow(NativeBlock.addressOf(owner), dtype, shape)
        .withReadOnly(false)
        .withOwner(owner)
        .withOutcome(Outcome.zeroCopy(0));
  }

  /**
   * Allocates row-major memory for a copy of {@code memory} made for {@code reason}. The caller
   * releases it.
   */
  public static Memory allocateLike(Memory memory, Options options, CopyReason reason) {
    return allocate(memory.dtype(), memory.shape(), options)
        .withDimNames(memory.dimNames())
        .withOutcome(Outcome.copied(memory.nbytes(), reason));
  }

  /**
   * Copies host memory into new row-major memory. The caller keeps its reference to {@code memory}
   * and releases the result.
   */
  public static Memory rowMajor(Memory memory, Options options, CopyReason reason) {
    if (!memory.dtype().isWholeBytes()) {
      throw new UnsupportedTypeException(
          "Cannot copy elements of "
              + memory.dtype()
              + ": they do not take whole bytes; hand the memory over as it is");
    }
    Memory copy = allocateLike(memory, options, reason);
    if (Shapes.isRowMajor(memory.shape(), memory.strides())) {
      RawMemory.copy(memory.start(), copy.address(), memory.nbytes());
    } else {
      StridedCopy.toRowMajor(memory, copy.address());
    }
    return copy;
  }

  /**
   * Writes {@code columns} of {@code rows} elements each to new memory of {@code shape}, in whose
   * order the elements of a row follow one another. Counted as {@link CopyReason#CAST} where any
   * element is converted, else as {@link CopyReason#PACKED}. The caller releases the result.
   *
   * @param shape rows times columns elements in all
   * @throws io.arrowtensor.InterchangeException naming row, column and value that {@code target}
   *     cannot hold
   */
  public static Memory pack(
      List<Strided> columns, long rows, Element target, long[] shape, Options options) {
    boolean plain = columns.stream().allMatch(column -> column.element() == target);
    Memory matrix = allocate(target.dtype(), shape, options);
    try {
      packInto(columns, rows, target, matrix.address());
    } catch (RuntimeException | Error e) {
      matrix.release();
      throw e;
    }
    CopyReason reason = plain ? CopyReason.PACKED : CopyReason.CAST;
    return matrix.withOutcome(Outcome.copied(matrix.nbytes(), reason));
  }

  /** As {@link #pack}, to {@code out}, which holds as many elements. */
  public static void packInto(List<Strided> columns, long rows, Element target, long out) {
    MatrixPack.write(columns, rows, target, out);
  }

  /**
   * Copies the bytes of a Java array into new memory. The caller releases the result.
   *
   * @param bytes as many as {@code shape} takes, in native order
   */
  public static Memory fromHeap(
      byte[] bytes, DType dtype, long[] shape, Options options, CopyReason reason) {
    Memory copy = allocate(dtype, shape, options);
    RawMemory.copyFrom(bytes, 0, copy.address(), bytes.length);
    return copy.withOutcome(Outcome.copied(bytes.length, reason));
  }

  /**
   * Copies row-major memory to {@code target}, by the backend of whichever device is not the host.
   * The caller keeps its reference to {@code memory} and releases the result, which is there when
   * this returns. Counted for {@code reason}, on top of what it took to come by {@code memory}.
   */
  public static Memory transfer(Memory memory, Device target, Options options, CopyReason reason) {
    Device source = memory.device();
    boolean toHost = target.type().equals(DeviceType.CPU);
    DeviceBackend backend =
        Backends.of(
            toHost ? source.type() : target.type(), "transfer memory on " + source + " to", target);
    if (!toHost && !source.type().isHostAccessible() && !backend.serves(source.type())) {
      throw new DeviceMismatchException(
          "Cannot transfer memory on "
              + source
              + " to "
              + target
              + " in one step: transfer it to Device.CPU first, and from there");
    }
    Memory copy =
        toHost
            ? allocate(memory.dtype(), memory.shape(), options).withDevice(target)
            : backend.allocateFor(memory, target, options.stream());
    try {
      if (memory.nbytes() != 0) {
        backend.copy(memory, copy, options.stream());
      }
    } catch (RuntimeException | Error e) {
      copy.release();
      throw e;
    }
    Outcome before = memory.outcome();
    long spent = before == null ? 0 : before.copiedBytes() + before.decodedBytes();
    return copy.withDimNames(memory.dimNames())
        .withOutcome(Outcome.copied(spent + memory.nbytes(), reason));
  }

  /** Copies {@code bytes} between two places that do not overlap. */
  public static void copy(long source, long target, long bytes) {
    RawMemory.copy(source, target, bytes);
  }

  /**
   * Writes one byte, 0 or 1, for each of {@code count} bits that start at bit {@code first} of
   * {@code bitmap}.
   */
  public static void unpackBits(long bitmap, long first, long count, long target) {
    long done = 0;
    for (; done < count && ((first + done) & 7) != 0; done++) {
      RawMemory.putByte(target + done, bit(bitmap, first + done));
    }
    for (; done + 8 <= count; done += 8) {
      RawMemory.putLong(
          target + done, SPREAD[RawMemory.byteAt(bitmap + ((first + done) >> 3)) & 0xff]);
    }
    for (; done < count; done++) {
      RawMemory.putByte(target + done, bit(bitmap, first + done));
    }
  }

  /**
   * Writes {@code count} bits, first bit lowest, each set where its byte is not 0; unused bits of
   * the last byte are 0.
   */
  public static void packBits(long bytes, long count, long bitmap) {
    for (long done = 0; done < count; done += 8) {
      int packed = 0;
      for (int i = 0; i < 8 && done + i < count; i++) {
        packed |= (RawMemory.byteAt(bytes + done + i) != 0 ? 1 : 0) << i;
      }
      RawMemory.putByte(bitmap + (done >> 3), (byte) packed);
    }
  }

  private static byte bit(long bitmap, long index) {
    return (byte) ((RawMemory.byteAt(bitmap + (index >> 3)) >> (index & 7)) & 1);
  }

  /** For each byte the eight bytes of its bits, in native order of a long. */
  private static final long[] SPREAD = spread();

  private static long[] spread() {
    boolean little = java.nio.ByteOrder.nativeOrder() == java.nio.ByteOrder.LITTLE_ENDIAN;
    long[] table = new long[256];
    for (int value = 0; value < 256; value++) {
      for (int i = 0; i < 8; i++) {
        table[value] |= (long) ((value >> i) & 1) << (8 * (little ? i : 7 - i));
      }
    }
    return table;
  }
}
