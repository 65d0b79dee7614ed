package io.arrowtensor.flink;

import io.arrowtensor.CopyReason;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.Options;
import io.arrowtensor.internal.NullFill;
import io.arrowtensor.internal.RawMemory;
import io.arrowtensor.internal.Scope;

/** A column of scalars: its part of the slab of all columns of its type. */
final class ScalarBuffer extends ColumnBuffer {
  private final long address;
  private final int width;
  private final long fillBits;

  /**
   * @param address of its first element; {@link InputBatch} frees the slab
   */
  ScalarBuffer(InputField field, long address, int capacity, Options options) {
    super(field, capacity, options);
    this.address = address;
    this.width = field.column().dtype().itemSize();
    this.fillBits = NullFill.bits(field.column().dtype(), options.nulls().fillValue());
  }

  /** The address of a row's value. */
  long at(int row) {
    return address + (long) row * width;
  }

  void put(int row, boolean value) {
    RawMemory.putByte(address + row, (byte) (value ? 1 : 0));
  }

  void put(int row, byte value) {
    RawMemory.putByte(address + row, value);
  }

  void put(int row, short value) {
    RawMemory.putShort(address + 2L * row, value);
  }

  void put(int row, int value) {
    RawMemory.putInt(address + 4L * row, value);
  }

  void put(int row, long value) {
    RawMemory.putLong(address + 8L * row, value);
  }

  void put(int row, float value) {
    RawMemory.putFloat(address + 4L * row, value);
  }

  void put(int row, double value) {
    RawMemory.putDouble(address + 8L * row, value);
  }

  @Override
  void fill(int row) {
    switch (width) {
      case 1 -> put(row, (byte) fillBits);
      case 2 -> put(row, (short) fillBits);
      case 4 -> put(row, (int) fillBits);
      default -> put(row, fillBits);
    }
  }

  @Override
  DeviceColumn values(int rows, Scope scope) {
    return DeviceColumn.of(
        field.name(), lend(address, field.column().dtype(), scope, CopyReason.ROWS, rows));
  }
}
