package io.arrowtensor.flink;

import java.lang.invoke.MethodHandle;
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
  MethodHandle copy(InputField field, ColumnBuffer buffer) {
    FieldCopy values = objects(field, buffer);
    return RowCopy.handle((row, element) -> values.copy(row, value((Row) element, field)));
  }

  @SuppressWarnings("NullAway") // objects() copies nulls, too
  private static Object value(Row row, InputField field) {
    boolean named = row.getFieldNames(false) != null;
    return named ? row.getField(field.name()) : row.getField(field.position());
  }
}
