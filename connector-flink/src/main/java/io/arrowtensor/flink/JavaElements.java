package io.arrowtensor.flink;

import io.arrowtensor.DType;
import io.arrowtensor.TypeCode;
import io.arrowtensor.internal.RawMemory;
import org.apache.flink.table.data.ArrayData;
import org.apache.flink.table.data.GenericArrayData;

/** Elements in native memory as arrays of Flink; unsigned ones as the next wider type. */
final class JavaElements {
  private JavaElements() {}

  /** A copy of {@code size} elements that start at {@code from}. */
  static ArrayData read(DType dtype, long from, int size) {
    if (dtype.equals(DType.FLOAT32)) {
      float[] floats = new float[size];
      for (int i = 0; i < size; i++) {
        floats[i] = RawMemory.floatAt(from + 4L * i);
      }
      return new GenericArrayData(floats);
    }
    if (dtype.equals(DType.FLOAT64)) {
      double[] doubles = new double[size];
      for (int i = 0; i < size; i++) {
        doubles[i] = RawMemory.doubleAt(from + 8L * i);
      }
      return new GenericArrayData(doubles);
    }
    if (dtype.equals(DType.BOOL)) {
      boolean[] flags = new boolean[size];
      for (int i = 0; i < size; i++) {
        flags[i] = RawMemory.byteAt(from + i) != 0;
      }
      return new GenericArrayData(flags);
    }
    if (dtype.equals(DType.INT8)) {
      byte[] bytes = new byte[size];
      RawMemory.copyInto(from, bytes, 0, size);
      return new GenericArrayData(bytes);
    }
    return integers(dtype, from, size);
  }

  private static ArrayData integers(DType dtype, long from, int size) {
    boolean unsigned = dtype.code().equals(TypeCode.UINT);
    if (dtype.equals(DType.INT16) || dtype.equals(DType.UINT8)) {
      short[] shorts = new short[size];
      for (int i = 0; i < size; i++) {
        shorts[i] =
            unsigned
                ? (short) (RawMemory.byteAt(from + i) & 0xff)
                : RawMemory.shortAt(from + 2L * i);
      }
      return new GenericArrayData(shorts);
    }
    if (dtype.equals(DType.INT32) || dtype.equals(DType.UINT16)) {
      int[] ints = new int[size];
      for (int i = 0; i < size; i++) {
        ints[i] =
            unsigned ? RawMemory.shortAt(from + 2L * i) & 0xffff : RawMemory.intAt(from + 4L * i);
      }
      return new GenericArrayData(ints);
    }
    long[] longs = new long[size];
    for (int i = 0; i < size; i++) {
      longs[i] =
          unsigned ? RawMemory.intAt(from + 4L * i) & 0xffffffffL : RawMemory.longAt(from + 8L * i);
    }
    return new GenericArrayData(longs);
  }
}
