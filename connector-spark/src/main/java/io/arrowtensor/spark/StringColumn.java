package io.arrowtensor.spark;

import io.arrowtensor.ColumnKind;
import io.arrowtensor.CopyReason;
import io.arrowtensor.DType;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;
import io.arrowtensor.internal.RawMemory;
import io.arrowtensor.internal.Scope;
import org.apache.spark.sql.types.BinaryType;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.vectorized.ColumnVector;

/** Strings and binary values as bytes with offsets, always copied: Spark keeps them scattered. */
final class StringColumn {
  private StringColumn() {}

  /** Null rows are empty. */
  static DeviceColumn read(
      StructField field, ColumnVector vector, int rows, Options options, Scope scope) {
    boolean binary = field.dataType() instanceof BinaryType;
    byte[][] values = new byte[rows][];
    long bytes = 0;
    for (int row = 0; row < rows; row++) {
      values[row] = vector.isNullAt(row) ? new byte[0] : value(vector, row, binary);
      bytes += values[row].length;
    }
    Memory offsets =
        Scratch.allocate(field.name(), options, CopyReason.OFFSETS, DType.INT64, rows + 1L);
    DeviceArray positions = DeviceArray.from(offsets.withScope(scope), options);
    try {
      Memory data = Scratch.allocate(field.name(), options, CopyReason.ROWS, DType.UINT8, bytes);
      write(values, offsets.address(), data.address());
      ColumnKind kind = binary ? ColumnKind.BINARY : ColumnKind.STRING;
      DeviceArray text = DeviceArray.from(data.withScope(scope), options);
      return DeviceColumn.of(field.name(), kind, text, positions);
    } catch (RuntimeException | Error e) {
      positions.close();
      throw e;
    }
  }

  private static byte[] value(ColumnVector vector, int row, boolean binary) {
    return binary ? vector.getBinary(row) : vector.getUTF8String(row).getBytes();
  }

  private static void write(byte[][] values, long offsets, long data) {
    long at = 0;
    RawMemory.putLong(offsets, 0);
    for (int row = 0; row < values.length; row++) {
      RawMemory.copyFrom(values[row], 0, data + at, values[row].length);
      at += values[row].length;
      RawMemory.putLong(offsets + 8L * (row + 1), at);
    }
  }
}
