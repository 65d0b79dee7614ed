package io.arrowtensor.flink;

import java.util.Objects;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.conversion.DataStructureConverter;
import org.apache.flink.table.data.conversion.DataStructureConverters;
import org.apache.flink.table.types.DataType;
import org.apache.flink.types.Row;

/** Makes rows as Flink's tables hold them of rows as its users do, with the kind of change. */
final class InternalRows extends RichMapFunction<Row, RowData> {
  private static final long serialVersionUID = 1;

  private final DataStructureConverter<Object, Object> converter;

  InternalRows(DataType type) {
    this.converter = DataStructureConverters.getConverter(type);
  }

  @Override
  public void open(OpenContext context) {
    converter.open(getRuntimeContext().getUserCodeClassLoader());
  }

  @Override
  public RowData map(Row row) {
    return (RowData) Objects.requireNonNull(converter.toInternal(row));
  }
}
