package io.arrowtensor.python;

import io.arrowtensor.InterchangeException;
import io.arrowtensor.InvalidStructException;
import io.arrowtensor.Memory;
import io.arrowtensor.internal.Native;
import io.arrowtensor.internal.NativeLibrary;
import io.arrowtensor.internal.RawMemory;
import io.arrowtensor.internal.Shapes;

/** What {@code PyArrayInterface} and {@code Py_buffer} have in common. */
final class Structs {
  private Structs() {}

  /** Refuses addresses at which no struct can be; {@code struct} is its name. */
  static void requireAddress(long address, String struct) {
    if (address == 0 || (address & 7) != 0) {
      throw new InvalidStructException(
          "Invalid "
              + struct
              + " address 0x"
              + Long.toHexString(address)
              + ": expected a non-null, 8-byte aligned one");
    }
  }

  static int ndim(int ndim, String struct) {
    if (ndim < 0 || ndim > Shapes.MAX_NDIM) {
      throw new InvalidStructException(
          "Invalid ndim " + ndim + " in a " + struct + ": expected 0 to " + Shapes.MAX_NDIM);
    }
    return ndim;
  }

  /** The {@code count} values at {@code address}; {@code what} names them. */
  static long[] longs(long address, int count, String what) {
    if (address == 0 && count > 0) {
      throw new InvalidStructException("Invalid " + what + ": null for " + count + " dimensions");
    }
    long[] values = new long[count];
    for (int i = 0; i < count; i++) {
      values[i] = RawMemory.longAt(address + 8L * i);
    }
    return values;
  }

  static void putLongs(long address, long[] values) {
    for (int i = 0; i < values.length; i++) {
      RawMemory.putLong(address + 8L * i, values[i]);
    }
  }

  /** A zeroed block that holds the memory's owner until it is dropped. */
  static long block(Memory memory, long bytes) {
    NativeLibrary.require();
    long block = Native.newExport(memory.owner(), bytes);
    if (block == 0) {
      throw new InterchangeException(
          "Cannot allocate " + bytes + " bytes for a struct: the system has no memory left");
    }
    return block;
  }

  /** Releases the owner that {@code block} holds, and frees it. */
  static void drop(long block) {
    Native.call(Native.callback(Native.EXPORT_DROP), block, 0, 0, 0, 0, 0);
  }

  static boolean isColumnMajor(long[] shape, long[] strides) {
    return Shapes.isRowMajor(reversed(shape), reversed(strides));
  }

  /** Strides of a column-major array without gaps. */
  static long[] columnMajor(long[] shape) {
    return reversed(Shapes.rowMajor(reversed(shape)));
  }

  private static long[] reversed(long[] values) {
    long[] reversed = new long[values.length];
    for (int i = 0; i < values.length; i++) {
      reversed[i] = values[values.length - 1 - i];
    }
    return reversed;
  }

  /** Whether every element lies at a multiple of {@code alignment}. */
  static boolean isAligned(Memory memory, int alignment) {
    long misplaced = memory.start();
    for (int d = 0; d < memory.shape().length; d++) {
      if (memory.shape()[d] > 1) {
        misplaced |= memory.strides()[d] * memory.dtype().itemSize();
      }
    }
    return (misplaced & (alignment - 1)) == 0 || memory.nbytes() == 0;
  }
}
