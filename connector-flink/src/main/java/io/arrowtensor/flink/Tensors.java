package io.arrowtensor.flink;

import io.arrowtensor.BatchFunction;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.Options;
import java.util.List;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.table.api.Schema;
import org.apache.flink.table.api.Table;
import org.apache.flink.table.api.TableException;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;
import org.apache.flink.table.catalog.Column;
import org.apache.flink.table.connector.ChangelogMode;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.runtime.typeutils.InternalTypeInfo;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.table.types.logical.utils.LogicalTypeChecks;
import org.apache.flink.table.types.utils.DataTypeUtils;
import org.apache.flink.types.Row;

/**
 * Runs batch functions over tables, with the operator of {@link TensorStream}.
 *
 * <p>Batches are made and flushed as there, and the settings of the table environment and of the
 * cluster apply ({@link TensorSettings}). Works in streaming and in batch mode.
 *
 * <p><b>Time.</b> An event-time attribute stays one, and watermarks wait for the rows before them.
 * A processing-time attribute becomes a timestamp, as when Flink hands it to any sink.
 *
 * <p><b>Changes.</b> Tables that change keep the kind of each row; they are handed over with the
 * old and the new row of each update, and cost a conversion of each row more. They lose time
 * attributes and primary keys.
 */
public final class Tensors {
  private Tensors() {}

  /**
   * The rows of {@code table} with the function's result columns behind its own.
   *
   * @param tables the environment that {@code table} belongs to
   * @param function serialized to the tasks; each has an instance of its own
   * @param options policies for nulls, copies and logical types
   * @param columns the columns that the function gets, in this order
   * @throws InterchangeException naming the column or option that does not fit, and the remedy
   */
  public static Table map(
      StreamTableEnvironment tables,
      Table table,
      BatchFunction function,
      Options options,
      String... columns) {
    List<Column> own = table.getResolvedSchema().getColumns();
    DataType type =
        DataTypeUtils.removeTimeAttribute(table.getResolvedSchema().toSourceRowDataType());
    RowType rowType = (RowType) type.getLogicalType();
    DataStream<RowData> rows;
    try {
      rows = tables.toDataStream(table, DataTypeUtils.toInternalDataType(rowType));
    } catch (TableException onlyInserts) {
      return mapChanges(
          tables, changes(tables, table, type, onlyInserts), rowType, function, options, columns);
    }
    DataStream<RowData> scored = scored(rows, rowType, function, options, columns);
    Schema.Builder schema = schema(scored);
    for (Column column : own) {
      if (LogicalTypeChecks.isRowtimeAttribute(column.getDataType().getLogicalType())) {
        schema.watermark(column.getName(), "SOURCE_WATERMARK()");
      }
    }
    return tables.fromDataStream(scored, schema.build());
  }

  /**
   * The rows of a table that changes. Flink tells that it does only by refusing to hand it over as
   * if it did not; {@code onlyInserts} may have another reason, which is told too.
   */
  private static DataStream<RowData> changes(
      StreamTableEnvironment tables, Table table, DataType type, TableException onlyInserts) {
    Schema schema = Schema.newBuilder().fromRowDataType(type).build();
    try {
      return tables
          .toChangelogStream(table, schema, ChangelogMode.all())
          .map(new InternalRows(type), InternalTypeInfo.of((RowType) type.getLogicalType()));
    } catch (RuntimeException e) {
      e.addSuppressed(onlyInserts);
      throw e;
    }
  }

  @SuppressWarnings("unchecked") // Flink reads rows of changes by the type of the stream
  private static Table mapChanges(
      StreamTableEnvironment tables,
      DataStream<RowData> rows,
      RowType type,
      BatchFunction function,
      Options options,
      String... columns) {
    DataStream<RowData> scored = scored(rows, type, function, options, columns);
    return tables.fromChangelogStream(
        (DataStream<Row>) (DataStream<?>) scored, schema(scored).build(), ChangelogMode.all());
  }

  private static DataStream<RowData> scored(
      DataStream<RowData> rows,
      RowType type,
      BatchFunction function,
      Options options,
      String... columns) {
    return TensorStream.of(rows).columns(columns).options(options).append(type, function);
  }

  private static Schema.Builder schema(DataStream<RowData> stream) {
    Schema.Builder schema = Schema.newBuilder();
    DataType type = ((InternalTypeInfo<RowData>) stream.getType()).getDataType();
    List<DataType> types = DataType.getFieldDataTypes(type);
    for (int i = 0; i < types.size(); i++) {
      schema.column(DataType.getFieldNames(type).get(i), types.get(i));
    }
    return schema;
  }
}
