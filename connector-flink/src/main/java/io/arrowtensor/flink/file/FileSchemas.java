package io.arrowtensor.flink.file;

import io.arrowtensor.BatchSchema;
import io.arrowtensor.BatchSchema.Column;
import io.arrowtensor.InterchangeException;

/** Whether a file has the columns that the job was built for. */
final class FileSchemas {
  private FileSchemas() {}

  /**
   * Compares columns of the same names in the same order. A column that may be null in the file
   * must be expected to be.
   *
   * @throws InterchangeException naming the first column that differs
   */
  static void require(BatchSchema expected, BatchSchema found) {
    for (int c = 0; c < expected.columns().size(); c++) {
      Column wanted = expected.columns().get(c);
      Column column = found.columns().get(c);
      if (!wanted.withNullable(true).equals(column.withNullable(true))
          || (column.nullable() && !wanted.nullable())) {
        throw new InterchangeException(
            "its column '"
                + column
                + "' does not fit the job, which was built for '"
                + wanted
                + "'; read the files of one schema in a source of their own");
      }
    }
  }
}
