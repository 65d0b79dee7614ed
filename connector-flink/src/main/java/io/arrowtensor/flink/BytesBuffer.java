package io.arrowtensor.flink;

import io.arrowtensor.CopyReason;
import io.arrowtensor.DType;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;
import io.arrowtensor.internal.BulkCopy;
import io.arrowtensor.internal.Closing;
import io.arrowtensor.internal.RawMemory;
import io.arrowtensor.internal.Scope;
import java.util.List;

/** A column of strings or bytes: the bytes one after the other, and where each value starts. */
final class BytesBuffer extends ColumnBuffer {
  private static final int FIRST_BYTES_PER_ROW = 16;

  private final Memory offsets;
  private Memory bytes;
  private int used;

  BytesBuffer(InputField field, int capacity, Options options) {
    super(field, capacity, options);
    this.offsets = allocate(DType.INT32, capacity + 1L, super::close);
    this.bytes =
        allocate(
            DType.UINT8,
            (long) capacity * FIRST_BYTES_PER_ROW,
            () -> Closing.all(List.of(super::close, offsets::release)));
    RawMemory.putInt(offsets.address(), 0);
  }

  /**
   * @param atFailure frees what this holds so far
   */
  private Memory allocate(DType dtype, long size, AutoCloseable atFailure) {
    try {
      return BulkCopy.allocate(dtype, new long[] {size}, options);
    } catch (RuntimeException | Error e) {
      Closing.quietly(e, List.of(atFailure));
      throw e;
    }
  }

  /**
   * Appends a value.
   *
   * @throws InterchangeException when the values of one batch take more than 2 GiB
   */
  void put(int row, byte[] value) {
    long end = (long) used + value.length;
    if (end > Integer.MAX_VALUE) {
      throw new InterchangeException(
          "Cannot gather field '"
              + field.name()
              + "': the values of "
              + (row + 1)
              + " rows take "
              + end
              + " bytes, more than 2 GiB; make batches smaller with maxRows(...)");
    }
    if (end > bytes.nbytes()) {
      grow(end);
    }
    RawMemory.copyFrom(value, 0, bytes.address() + used, value.length);
    used = (int) end;
    RawMemory.putInt(offsets.address() + 4L * (row + 1), used);
  }

  private void grow(long needed) {
    long size = Math.max(needed, 2 * bytes.nbytes());
    Memory larger = BulkCopy.allocate(DType.UINT8, new long[] {size}, options);
    BulkCopy.copy(bytes.address(), larger.address(), used);
    bytes.release();
    bytes = larger;
  }

  /** An empty value: no number can stand for one. */
  @Override
  void fill(int row) {
    put(row, new byte[0]);
  }

  @Override
  DeviceColumn values(int rows, Scope scope) {
    DeviceArray values = lend(bytes.address(), DType.UINT8, scope, CopyReason.ROWS, used);
    try {
      DeviceArray positions =
          lend(offsets.address(), DType.INT32, scope, CopyReason.OFFSETS, rows + 1L);
      return DeviceColumn.of(field.name(), field.column().kind(), values, positions);
    } catch (RuntimeException | Error e) {
      Closing.quietly(e, List.of(values));
      throw e;
    }
  }

  @Override
  void clear() {
    super.clear();
    used = 0;
  }

  @Override
  public void close() {
    super.close();
    offsets.release();
    bytes.release();
  }
}
