package io.arrowtensor.flink;

import java.util.List;
import org.apache.flink.types.Row;
import org.apache.flink.types.RowKind;

/** Reads {@link Row}s, by name where they have no positions. */
final class RowReader extends ElementReader<Row> {
  private static final long serialVersionUID = 1;

  RowReader(List<InputField> fields) {
    super(fields);
  }

  @Override
  ArrayReader arrays() {
    return new JavaArrays();
  }

  @Override
  RowKind kind(Row element) {
    return element.getKind();
  }

  @Override
  void read(Row element, int row, ColumnBuffer[] columns) {
    boolean named = element.getFieldNames(false) != null;
    for (int c = 0; c < columns.length; c++) {
      InputField field = field(c);
      Object value = named ? element.getField(field.name()) : element.getField(field.position());
      putObject(value, row, c, columns[c]);
    }
  }
}
