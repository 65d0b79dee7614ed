package io.arrowtensor.flink;

import java.util.List;
import org.apache.flink.table.data.RowData;
import org.apache.flink.types.RowKind;

/** Reads a table's rows. */
final class RowDataReader extends ElementReader<RowData> {
  private static final long serialVersionUID = 1;

  private final int[] positions;
  private final FieldType[] types;

  RowDataReader(List<InputField> fields) {
    super(fields);
    this.positions = fields.stream().mapToInt(InputField::position).toArray();
    this.types = fields.stream().map(InputField::type).toArray(FieldType[]::new);
  }

  @Override
  ArrayReader arrays() {
    return new RowDataArrays();
  }

  @Override
  RowKind kind(RowData element) {
    return element.getRowKind();
  }

  @Override
  void read(RowData element, int row, ColumnBuffer[] columns) {
    for (int c = 0; c < columns.length; c++) {
      int position = positions[c];
      ColumnBuffer column = columns[c];
      if (element.isNullAt(position)) {
        column.putNull(row);
      } else if (column instanceof ScalarBuffer scalars) {
        put(element, position, types[c], scalars, row);
      } else if (column instanceof TensorBuffer tensors) {
        tensors.put(row, element.getArray(position));
      } else {
        byte[] bytes =
            types[c].requireCell() == Cell.STRING
                ? element.getString(position).toBytes()
                : element.getBinary(position);
        ((BytesBuffer) column).put(row, bytes);
      }
    }
  }

  private static void put(
      RowData element, int position, FieldType type, ScalarBuffer column, int row) {
    switch (type.requireCell()) {
      case BOOL -> column.put(row, element.getBoolean(position));
      case INT8 -> column.put(row, element.getByte(position));
      case INT16 -> column.put(row, element.getShort(position));
      case INT32, DATE, TIME -> column.put(row, element.getInt(position));
      case INT64 -> column.put(row, element.getLong(position));
      case FLOAT32 -> column.put(row, element.getFloat(position));
      case FLOAT64 -> column.put(row, element.getDouble(position));
      case TIMESTAMP ->
          column.put(row, RowDataArrays.micros(element.getTimestamp(position, type.precision())));
      case STRING, BINARY -> throw new AssertionError(type);
    }
  }
}
