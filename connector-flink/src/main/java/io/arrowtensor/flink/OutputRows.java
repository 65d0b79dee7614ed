package io.arrowtensor.flink;

import java.io.Serializable;
import java.util.stream.IntStream;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.table.types.logical.utils.LogicalTypeCasts;

/** Makes rows of a query out of rows of results: copies, which outlive their batch. */
final class OutputRows implements Serializable {
  private static final long serialVersionUID = 1;

  private final RowData.FieldGetter[] fields;

  /**
   * @param results what the function gives
   * @param positions where the columns of a row are in it
   */
  OutputRows(RowType results, int[] positions) {
    this.fields =
        IntStream.of(positions)
            .mapToObj(at -> RowData.createFieldGetter(results.getTypeAt(at), at))
            .toArray(RowData.FieldGetter[]::new);
  }

  /** Whether values of {@code type} may stand in a column that is declared {@code as}. */
  static boolean fits(LogicalType type, LogicalType as) {
    return LogicalTypeCasts.supportsAvoidingCast(type, as);
  }

  RowData copy(ResultRow row) {
    GenericRowData copy = new GenericRowData(fields.length);
    for (int i = 0; i < fields.length; i++) {
      copy.setField(i, fields[i].getFieldOrNull(row));
    }
    return copy;
  }
}
