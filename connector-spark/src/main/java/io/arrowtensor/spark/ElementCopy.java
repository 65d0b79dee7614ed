package io.arrowtensor.spark;

import io.arrowtensor.DType;
import io.arrowtensor.internal.NullFill;
import io.arrowtensor.internal.RawMemory;
import org.apache.spark.sql.vectorized.ColumnVector;

/**
 * Writes values that have no address: on-heap, constant, dictionary-encoded, or behind getters.
 * Null slots are never read, as what they hold may not even be a dictionary index.
 */
final class ElementCopy {
  private ElementCopy() {}

  /** Writes {@code count} values from {@code first} on, {@code fill} where they are null. */
  static void write(
      ColumnVector vector, int first, int count, DType dtype, long target, double fill) {
    long bits = NullFill.bits(dtype, fill);
    switch (dtype.itemSize()) {
      case 1 -> bytes(vector, first, count, dtype, target, (byte) bits);
      case 2 -> shorts(vector, first, count, target, (short) bits);
      case 4 -> fours(vector, first, count, dtype, target, (int) bits);
      case 8 -> eights(vector, first, count, dtype, target, bits);
      default -> throw new IllegalArgumentException("Spark has no elements of " + dtype);
    }
  }

  private static void bytes(
      ColumnVector vector, int first, int count, DType dtype, long target, byte fill) {
    boolean nulls = vector.hasNull();
    boolean booleans = dtype.equals(DType.BOOL);
    for (int i = 0; i < count; i++) {
      int row = first + i;
      byte value;
      if (nulls && vector.isNullAt(row)) {
        value = fill;
      } else if (booleans) {
        value = (byte) (vector.getBoolean(row) ? 1 : 0);
      } else {
        value = vector.getByte(row);
      }
      RawMemory.putByte(target + i, value);
    }
  }

  private static void shorts(ColumnVector vector, int first, int count, long target, short fill) {
    boolean nulls = vector.hasNull();
    for (int i = 0; i < count; i++) {
      boolean isNull = nulls && vector.isNullAt(first + i);
      RawMemory.putShort(target + 2L * i, isNull ? fill : vector.getShort(first + i));
    }
  }

  private static void fours(
      ColumnVector vector, int first, int count, DType dtype, long target, int fill) {
    boolean nulls = vector.hasNull();
    if (dtype.equals(DType.FLOAT32)) {
      float floatFill = Float.intBitsToFloat(fill);
      for (int i = 0; i < count; i++) {
        boolean isNull = nulls && vector.isNullAt(first + i);
        RawMemory.putFloat(target + 4L * i, isNull ? floatFill : vector.getFloat(first + i));
      }
      return;
    }
    for (int i = 0; i < count; i++) {
      boolean isNull = nulls && vector.isNullAt(first + i);
      RawMemory.putInt(target + 4L * i, isNull ? fill : vector.getInt(first + i));
    }
  }

  private static void eights(
      ColumnVector vector, int first, int count, DType dtype, long target, long fill) {
    boolean nulls = vector.hasNull();
    if (dtype.equals(DType.FLOAT64)) {
      double doubleFill = Double.longBitsToDouble(fill);
      for (int i = 0; i < count; i++) {
        boolean isNull = nulls && vector.isNullAt(first + i);
        RawMemory.putDouble(target + 8L * i, isNull ? doubleFill : vector.getDouble(first + i));
      }
      return;
    }
    for (int i = 0; i < count; i++) {
      boolean isNull = nulls && vector.isNullAt(first + i);
      RawMemory.putLong(target + 8L * i, isNull ? fill : vector.getLong(first + i));
    }
  }
}
