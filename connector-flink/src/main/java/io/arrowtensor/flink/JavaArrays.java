package io.arrowtensor.flink;

import io.arrowtensor.internal.RawMemory;
import java.lang.reflect.Array;
import org.jspecify.annotations.Nullable;

/** Java's own arrays, of primitives, objects or arrays. */
final class JavaArrays implements ArrayReader {

  @Override
  public int size(Object array) {
    if (!array.getClass().isArray()) {
      throw new ClassCastException("not an array");
    }
    return Array.getLength(array);
  }

  @Override
  public @Nullable Object child(Object array, int i) {
    return ((Object[]) array)[i];
  }

  @Override
  public void elements(Object array, FieldType type, long target, TensorBuffer nulls, int row) {
    if (array instanceof float[] floats) {
      for (int i = 0; i < floats.length; i++) {
        RawMemory.putFloat(target + 4L * i, floats[i]);
      }
    } else if (array instanceof double[] doubles) {
      for (int i = 0; i < doubles.length; i++) {
        RawMemory.putDouble(target + 8L * i, doubles[i]);
      }
    } else if (array instanceof long[] longs) {
      for (int i = 0; i < longs.length; i++) {
        RawMemory.putLong(target + 8L * i, longs[i]);
      }
    } else if (array instanceof int[] ints) {
      for (int i = 0; i < ints.length; i++) {
        RawMemory.putInt(target + 4L * i, ints[i]);
      }
    } else {
      narrow(array, type, target, nulls, row);
    }
  }

  private static void narrow(
      Object array, FieldType type, long target, TensorBuffer nulls, int row) {
    if (array instanceof short[] shorts) {
      for (int i = 0; i < shorts.length; i++) {
        RawMemory.putShort(target + 2L * i, shorts[i]);
      }
    } else if (array instanceof byte[] bytes) {
      RawMemory.copyFrom(bytes, 0, target, bytes.length);
    } else if (array instanceof boolean[] flags) {
      for (int i = 0; i < flags.length; i++) {
        RawMemory.putByte(target + i, (byte) (flags[i] ? 1 : 0));
      }
    } else {
      objects((Object[]) array, type, target, nulls, row);
    }
  }

  private static void objects(
      Object[] array, FieldType type, long target, TensorBuffer nulls, int row) {
    int width = type.requireCell().dtype().itemSize();
    for (int i = 0; i < array.length; i++) {
      long at = target + (long) i * width;
      Object element = array[i];
      if (element == null) {
        nulls.putNullElements(row, at, width);
      } else {
        JavaCells.put(element, type.requireCell(), at);
      }
    }
  }
}
