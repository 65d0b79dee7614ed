package io.arrowtensor.flink.file;

import io.arrowtensor.BatchSchema.Column;
import io.arrowtensor.CopyReason;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;
import io.arrowtensor.Outcome;
import io.arrowtensor.internal.RawMemory;
import org.apache.flink.table.data.columnar.vector.Dictionary;
import org.apache.flink.table.data.columnar.vector.writable.WritableBooleanVector;

/** Booleans, bits in the file, one byte each here. They never have a dictionary. */
final class FlagVector extends ParquetVector implements WritableBooleanVector {
  private long address;

  FlagVector(Column column, int rows) {
    super(column, rows);
  }

  @Override
  int width() {
    return 1;
  }

  @Override
  void start(long address, int rows) {
    super.start(address, rows);
    this.address = address;
  }

  @Override
  void clear(int row, int rows) {
    RawMemory.fill(address + row, rows, (byte) 0);
  }

  @Override
  void decode(int rows, int[] indices, Dictionary words) {
    throw unread();
  }

  @Override
  DeviceColumn column(int rows, Memory memory, Options options) {
    Memory flags = memory.withOutcome(Outcome.copied(rows, CopyReason.BIT_PACKED));
    return DeviceColumn.of(column.name(), DeviceArray.from(flags));
  }

  @Override
  public void setBoolean(int row, boolean value) {
    requireRow(row);
    RawMemory.putByte(address + row, (byte) (value ? 1 : 0));
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
