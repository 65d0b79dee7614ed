package io.arrowtensor.flink.file;

import io.arrowtensor.BatchSchema.Column;
import io.arrowtensor.CopyReason;
import io.arrowtensor.internal.RawMemory;
import org.apache.flink.table.data.columnar.vector.Dictionary;
import org.apache.flink.table.data.columnar.vector.writable.WritableBooleanVector;

/** Booleans, bits in the file, one byte each here. They never have a dictionary. */
final class FlagVector extends ParquetVector implements WritableBooleanVector {
  FlagVector(Column column, int rows) {
    super(column, rows);
  }

  @Override
  int width() {
    return 1;
  }

  @Override
  void decode(int rows, int[] indices, Dictionary words) {
    throw unread();
  }

  @Override
  CopyReason reason() {
    return CopyReason.BIT_PACKED;
  }

  @Override
  public void setBoolean(int row, boolean value) {
    requireRow(row);
    RawMemory.putByte(at(row), (byte) (value ? 1 : 0));
  }

  @Override
  public boolean getBoolean(int row) {
    throw unread();
  }

  @Override
  public void fill(boolean value) {
    throw unread();
  }
}
