package io.arrowtensor.flink.file;

import io.arrowtensor.BatchSchema;
import io.arrowtensor.BatchSchema.Column;
import io.arrowtensor.InterchangeException;
import java.io.Serializable;
import java.util.List;

/**
 * The columns of a file that a job reads.
 *
 * @param columns as batches have them, where dates and times are integers
 * @param units what the integers of each column count, empty for plain values; an empty list where
 *     only the columns are known
 */
record FileSchema(BatchSchema columns, List<String> units) implements Serializable {

  /** Columns of which nobody said what they count. */
  static FileSchema of(BatchSchema columns) {
    return new FileSchema(columns, List.of());
  }

  /**
   * Compares with columns of the same names in the same order. A column that may be null in the
   * file must be expected to be.
   *
   * @throws InterchangeException naming the first column that differs
   */
  void require(FileSchema found) {
    for (int c = 0; c < columns.columns().size(); c++) {
      Column wanted = columns.columns().get(c);
      Column column = found.columns.columns().get(c);
      if (!wanted.withNullable(true).equals(column.withNullable(true))
          || (column.nullable() && !wanted.nullable())) {
        throw differs(column.toString(), wanted.toString());
      }
      if (!units.isEmpty() && !units.get(c).equals(found.units.get(c))) {
        throw differs(
            column.name() + ": " + unit(found.units.get(c)),
            wanted.name() + ": " + unit(units.get(c)));
      }
    }
  }

  private static String unit(String unit) {
    return unit.isEmpty() ? "plain values" : unit;
  }

  private static InterchangeException differs(String found, String wanted) {
    return new InterchangeException(
        "its column '"
            + found
            + "' does not fit the job, which was built for '"
            + wanted
            + "'; read the files of one schema in a source of their own");
  }
}
