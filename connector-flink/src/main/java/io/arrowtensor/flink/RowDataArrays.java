package io.arrowtensor.flink;

import io.arrowtensor.internal.RawMemory;
import org.apache.flink.table.data.ArrayData;
import org.apache.flink.table.data.TimestampData;
import org.jspecify.annotations.Nullable;

/** The arrays of a table's rows. */
final class RowDataArrays implements ArrayReader {
  @Override
  public int size(Object array) {
    return ((ArrayData) array).size();
  }

  @Override
  public @Nullable Object child(Object array, int i) {
    ArrayData data = (ArrayData) array;
    return data.isNullAt(i) ? null : data.getArray(i);
  }

  @Override
  public void elements(Object array, FieldType type, long target, TensorBuffer nulls, int row) {
    ArrayData data = (ArrayData) array;
    int width = type.requireCell().dtype().itemSize();
    for (int i = 0; i < data.size(); i++) {
      long at = target + (long) i * width;
      if (data.isNullAt(i)) {
        nulls.putNullElements(row, at, width);
      } else {
        put(data, i, type, at);
      }
    }
  }

  private static void put(ArrayData data, int i, FieldType type, long at) {
    switch (type.requireCell()) {
      case BOOL -> RawMemory.putByte(at, (byte) (data.getBoolean(i) ? 1 : 0));
      case INT8 -> RawMemory.putByte(at, data.getByte(i));
      case INT16 -> RawMemory.putShort(at, data.getShort(i));
      case INT32, DATE, TIME -> RawMemory.putInt(at, data.getInt(i));
      case INT64 -> RawMemory.putLong(at, data.getLong(i));
      case FLOAT32 -> RawMemory.putFloat(at, data.getFloat(i));
      case FLOAT64 -> RawMemory.putDouble(at, data.getDouble(i));
      case TIMESTAMP -> RawMemory.putLong(at, micros(data.getTimestamp(i, type.precision())));
      case STRING, BINARY -> throw new AssertionError(type);
    }
  }

  static long micros(TimestampData time) {
    return Math.addExact(
        Math.multiplyExact(time.getMillisecond(), 1000L), time.getNanoOfMillisecond() / 1000);
  }
}
