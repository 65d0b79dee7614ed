package io.arrowtensor.flink;

import io.arrowtensor.DType;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;
import io.arrowtensor.internal.Closing;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What is known of each row, as arrays in native memory and back. */
final class RowMarks {
  private RowMarks() {}

  /**
   * {@link TensorStream#ROW_TIME}; the caller closes it.
   *
   * @param timed which rows have a timestamp, null where all have
   */
  static DeviceColumn times(
      long[] timestamps, boolean @Nullable [] timed, int rows, Options options) {
    DeviceArray values = DeviceArray.from(Memory.allocate(DType.INT64, rows), options);
    DeviceColumn column = DeviceColumn.of(TensorStream.ROW_TIME, values);
    try {
      values.byteBuffer().asLongBuffer().put(timestamps, 0, rows);
      return timed == null ? column : column.withValidity(of(timed, rows, options));
    } catch (RuntimeException | Error e) {
      Closing.quietly(e, List.of(column));
      throw e;
    }
  }

  /** One bool for each of the first {@code rows}; the caller closes it. */
  static DeviceArray of(boolean[] flags, int rows, Options options) {
    byte[] bytes = new byte[rows];
    for (int row = 0; row < rows; row++) {
      bytes[row] = (byte) (flags[row] ? 1 : 0);
    }
    DeviceArray marks = DeviceArray.from(Memory.allocate(DType.BOOL, rows), options);
    try {
      marks.byteBuffer().put(bytes);
      return marks;
    } catch (RuntimeException | Error e) {
      Closing.quietly(e, List.of(marks));
      throw e;
    }
  }

  /** Sets each of {@code flags} whose row is not set in {@code marks}, one bool a row. */
  static void addUnset(boolean[] flags, DeviceArray marks) {
    byte[] bytes = bytes(marks);
    for (int row = 0; row < bytes.length; row++) {
      flags[row] |= bytes[row] == 0;
    }
  }

  /** The first row that is not set in {@code marks}, one bool a row; -1 when all are. */
  static int firstUnset(DeviceArray marks) {
    byte[] bytes = bytes(marks);
    for (int row = 0; row < bytes.length; row++) {
      if (bytes[row] == 0) {
        return row;
      }
    }
    return -1;
  }

  private static byte[] bytes(DeviceArray marks) {
    byte[] bytes = new byte[Math.toIntExact(marks.size())];
    marks.byteBuffer().get(bytes);
    return bytes;
  }
}
