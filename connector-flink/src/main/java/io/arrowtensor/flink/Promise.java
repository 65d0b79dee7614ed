package io.arrowtensor.flink;

import io.arrowtensor.BatchSchema;
import io.arrowtensor.BatchSchema.Column;
import io.arrowtensor.ColumnKind;
import io.arrowtensor.DType;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.internal.RawMemory;
import java.util.List;

/** What was said of batches while the job was built, held against those that come. */
final class Promise {
  private Promise() {}

  /**
   * Checks the number of results.
   *
   * @throws InterchangeException telling both numbers
   */
  static void requireCount(BatchSchema promised, DeviceBatch results) {
    if (results.columns().size() != promised.columns().size()) {
      throw new InterchangeException(
          "Invalid result: "
              + results.columns().size()
              + " columns, resultSchema promised "
              + promised.columns().size());
    }
  }

  /**
   * Checks one column.
   *
   * @param of what the column is of: {@code result} or {@code element}
   * @throws InterchangeException naming it, what it is and what it should be
   */
  static void require(String of, Column promised, DeviceColumn column, long rows) {
    if (column.rowCount() != rows) {
      throw new InterchangeException(
          start(of, promised)
              + column.rowCount()
              + " rows for a batch of "
              + rows
              + "; return one row for each row of the batch");
    }
    if (column.kind() != promised.kind()
        || (column.dictionary() != null && of.equals("result"))
        || !column.values().dtype().equals(promised.dtype())
        || !hasPromisedShape(promised, column.values())) {
      throw new InterchangeException(
          start(of, promised)
              + column.values()
              + " is not the "
              + promised
              + " that "
              + (of.equals("result") ? "resultSchema" : "the type of the stream")
              + " promised");
    }
    DeviceArray mask = column.validity();
    if (mask != null && (!mask.dtype().equals(DType.BOOL) || mask.size() != rows)) {
      throw new InterchangeException(start(of, promised) + "its validity is " + mask);
    }
    requireOffsets(of, promised, column);
  }

  /** Offsets that the host cannot reach are checked by whoever can. */
  private static void requireOffsets(String of, Column promised, DeviceColumn column) {
    DeviceArray offsets = column.offsets();
    if (offsets != null && offsets.device().type().isHostAccessible()) {
      offsets.requireHostContiguous("check");
      requireAscending(of, promised, column, offsets);
    }
    DeviceColumn dictionary = column.dictionary();
    if (dictionary != null) {
      requireOffsets(of, promised, dictionary);
    }
  }

  private static void requireAscending(
      String of, Column promised, DeviceColumn column, DeviceArray offsets) {
    boolean wide = offsets.dtype().equals(DType.INT64);
    long values = column.values().dim(0);
    long before = 0;
    for (long row = 0; row < offsets.size(); row++) {
      long offset =
          wide
              ? RawMemory.longAt(offsets.address() + 8 * row)
              : RawMemory.intAt(offsets.address() + 4 * row);
      if (offset < before || offset > values) {
        throw new InterchangeException(
            "Invalid offset "
                + offset
                + " of "
                + of
                + " column '"
                + promised.name()
                + "' at row "
                + row
                + ": expected "
                + before
                + " to "
                + values);
      }
      before = offset;
    }
  }

  private static String start(String of, Column promised) {
    return "Invalid " + of + " column '" + promised.name() + "': ";
  }

  private static boolean hasPromisedShape(Column promised, DeviceArray values) {
    if (promised.kind() != ColumnKind.ARRAY) {
      return values.ndim() == 1;
    }
    List<Long> dimensions = promised.rowShape();
    if (values.ndim() != 1 + dimensions.size()) {
      return false;
    }
    for (int d = 0; d < dimensions.size(); d++) {
      if (dimensions.get(d) >= 0 && dimensions.get(d) != values.dim(d + 1)) {
        return false;
      }
    }
    return true;
  }
}
