package io.arrowtensor.benchmarks.flink;

import io.arrowtensor.Options;
import io.arrowtensor.benchmarks.Model;
import io.arrowtensor.flink.Tensors;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.api.Expressions;
import org.apache.flink.table.api.Table;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.runtime.typeutils.InternalTypeInfo;
import org.apache.flink.table.types.logical.BigIntType;
import org.apache.flink.table.types.logical.FloatType;
import org.apache.flink.table.types.logical.LogicalType;

/**
 * The same scores of a table: by {@code ML_PREDICT}, row by row and in batches by this library, and
 * by its operator.
 */
final class SqlWays {
  static final long ROWS = ModelWays.ROWS;
  private static final int BATCH = 1024;

  private SqlWays() {}

  /** The ways with {@code model}. */
  static List<Way> of(Model model) {
    String file = Path.of(model.file).toUri().toString();
    String settings = ", MAP['async', 'true', 'max-concurrent-operations', '%d', 'timeout', '0 s']";
    return List.of(
        way(
            "ml_predict_row_by_row",
            Map.of("model", name(model)),
            ROWS / 16,
            model,
            tables -> predict(tables, model, "row-by-row", model.name(), "")),
        way(
            "ml_predict_batches",
            Map.of("model", name(model)),
            ROWS,
            model,
            tables -> predict(tables, model, "tensor", file, settings.formatted(4 * BATCH))),
        way(
            "table_through_operator",
            Map.of("model", name(model)),
            ROWS,
            model,
            tables -> mapped(tables, model)));
  }

  /** How results name {@code model}. */
  static String name(Model model) {
    return model.name().toLowerCase(Locale.ROOT);
  }

  private static Table predict(
      StreamTableEnvironment tables, Model model, String provider, String file, String settings) {
    String type = model == Model.ADD ? "FLOAT" : "BIGINT";
    tables.executeSql(
        "CREATE MODEL m INPUT (%s %s, %s %s) OUTPUT (score FLOAT) WITH ('provider' = '%s', 'model' = '%s')"
            .formatted(model.first, type, model.second, type, provider, file));
    return tables.sqlQuery(
        "SELECT score FROM ML_PREDICT(TABLE flights, MODEL m, DESCRIPTOR(%s, %s)%s)"
            .formatted(model.first, model.second, settings));
  }

  private static Table mapped(StreamTableEnvironment tables, Model model) {
    Table mapped =
        Tensors.map(
            tables,
            tables.from("flights"),
            ModelWays.function(model),
            Options.defaults(),
            model.first,
            model.second);
    List<String> names = mapped.getResolvedSchema().getColumnNames();
    return mapped.select(Expressions.$(names.get(names.size() - 1)).as("score"));
  }

  /**
   * A job over the table {@code flights}, which has the columns of {@code model}.
   *
   * @param query makes a table of one column, {@code score}
   */
  static Way way(
      String name,
      Map<String, String> params,
      long rows,
      Model model,
      Function<StreamTableEnvironment, Table> query) {
    return new Way(
        name,
        params,
        rows,
        environment -> {
          StreamTableEnvironment tables = StreamTableEnvironment.create(environment);
          tables.createTemporaryView("flights", flights(tables, environment, model, rows));
          tables
              .toDataStream(
                  query.apply(tables),
                  DataTypes.ROW(DataTypes.FIELD("score", DataTypes.FLOAT()))
                      .bridgedTo(RowData.class))
              .sinkTo(new SumSink<>((total, row) -> addFromFirst(total, (RowData) row)));
        });
  }

  /**
   * The clock starts anew at the first result: only then has a process of Python loaded its model.
   */
  private static void addFromFirst(SumSink.Total total, RowData row) {
    if (total.isEmpty()) {
      Meter.start();
    }
    total.add(row.getFloat(0));
  }

  private static Table flights(
      StreamTableEnvironment tables,
      StreamExecutionEnvironment environment,
      Model model,
      long rows) {
    RowData[] prepared =
        Arrays.stream(Flight.prepared())
            .map(flight -> GenericRowData.of(flight.first(model), flight.second(model)))
            .toArray(RowData[]::new);
    LogicalType type = model == Model.ADD ? new FloatType(false) : new BigIntType(false);
    return tables.fromDataStream(
        RepeatedRows.stream(
            environment,
            prepared,
            rows,
            InternalTypeInfo.ofFields(
                new LogicalType[] {type, type}, new String[] {model.first, model.second})));
  }
}
