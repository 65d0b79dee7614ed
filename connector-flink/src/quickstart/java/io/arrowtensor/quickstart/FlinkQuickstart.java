package io.arrowtensor.quickstart;

import ai.onnxruntime.OrtException;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.engine.OnnxFunction;
import io.arrowtensor.flink.TensorStream;
import java.util.List;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;
import org.apache.flink.types.Row;
import org.apache.flink.util.ExceptionUtils;

/**
 * Streams a Parquet table through local Flink twice, once through the operator and once through
 * SQL's {@code ML_PREDICT}, and proves both answers against ONNX Runtime alone. Exit code 2 when
 * something that the user named does not fit.
 */
public final class FlinkQuickstart {
  private static final int CHECKED_ROWS = 8192;

  private FlinkQuickstart() {}

  /** Runs with the system properties that {@link Arguments} lists. */
  public static void main(String[] args) throws Exception {
    try {
      Arguments arguments = Arguments.read();
      InputTable input = InputTable.of(arguments);
      run(arguments, input, ModelOutputs.of(arguments.model()));
    } catch (UserError | ValidationException e) {
      System.err.println(e.getMessage());
      System.exit(2);
    } catch (Exception e) {
      System.err.println(refusal(e).getMessage());
      System.exit(2);
    }
  }

  /** What the library refused, in whatever Flink has wrapped it. */
  private static InterchangeException refusal(Exception e) throws Exception {
    return ExceptionUtils.findThrowable(e, InterchangeException.class).orElseThrow(() -> e);
  }

  private static void run(Arguments arguments, InputTable input, ModelOutputs outputs)
      throws Exception {
    Configuration configuration = new Configuration();
    configuration.set(PipelineOptions.OBJECT_REUSE, true);
    Figures.report(configuration);
    StreamExecutionEnvironment environment =
        StreamExecutionEnvironment.createLocalEnvironment(1, configuration);
    StreamTableEnvironment tables = StreamTableEnvironment.create(environment);
    tables.executeSql(input.create());

    System.out.println("1. the operator");
    Received operator = new Received(input.rows());
    scoreWithOperator(tables, arguments, outputs).sinkTo(operator.sink());
    environment.execute("operator");
    String throughOperator = operator.summary();
    long copied = Figures.copiedBytes();
    System.out.print(throughOperator + Figures.table());

    System.out.println("2. ML_PREDICT");
    Figures.clear();
    Received sql = new Received(input.rows());
    scoreInSql(tables, arguments, outputs).sinkTo(sql.sink());
    environment.execute("ML_PREDICT");
    System.out.print(sql.summary() + Figures.table());

    System.out.println("3. ONNX Runtime alone, over the rows of both");
    long agreeing = agreeing(arguments, outputs, operator.rows());
    long agreeingInSql = agreeing(arguments, outputs, sql.rows());
    System.out.printf(
        "equal to 1e-6: %,d of %,d answers of the operator, %,d of %,d of ML_PREDICT%n",
        agreeing, operator.rows().size(), agreeingInSql, sql.rows().size());
    System.out.printf(
        "quickstart-flink: rows=%d rowsPerSecond=%d p99Millis=%.1f copiedBytes=%d scored=%d%n",
        operator.rows().size(),
        operator.rowsPerSecond(),
        operator.millis(0.99),
        copied,
        Math.min(agreeing, agreeingInSql));
  }

  /** Each record's time is when it was read, so that the sink can tell how long it took. */
  private static DataStream<Row> scoreWithOperator(
      StreamTableEnvironment tables, Arguments arguments, ModelOutputs outputs) {
    DataStream<Row> records =
        tables
            .toDataStream(tables.from(InputTable.NAME))
            .assignTimestampsAndWatermarks(
                WatermarkStrategy.<Row>noWatermarks()
                    .withTimestampAssigner((record, none) -> System.nanoTime()));
    return TensorStream.of(records)
        .columns(arguments.columns().toArray(String[]::new))
        .map(OnnxFunction.of(arguments.model().toUri()), outputs);
  }

  private static DataStream<Row> scoreInSql(
      StreamTableEnvironment tables, Arguments arguments, ModelOutputs outputs) {
    String columns = InputTable.quoted(arguments.columns());
    String create = outputs.create(tables.from(InputTable.NAME).getResolvedSchema(), arguments);
    String query =
        "SELECT %s, %s FROM ML_PREDICT(TABLE %s, MODEL model, DESCRIPTOR(%s))"
            .formatted(columns, InputTable.quoted(outputs.names()), InputTable.NAME, columns);
    String operations = "table.exec.async-ml-predict.max-concurrent-operations";
    System.out.printf("%s;%nSET '%s' = '4096';%n%s;%n", create, operations, query);
    tables.getConfig().set(operations, "4096");
    tables.executeSql(create);
    return tables.toDataStream(tables.sqlQuery(query));
  }

  private static long agreeing(Arguments arguments, ModelOutputs outputs, List<Row> rows)
      throws OrtException {
    long agreeing = 0;
    try (PlainRun<Row> plain =
        new PlainRun<>(arguments.model(), arguments.columns(), Row::getField, outputs::of)) {
      for (int from = 0; from < rows.size(); from += CHECKED_ROWS) {
        agreeing += plain.agreeing(rows.subList(from, Math.min(rows.size(), from + CHECKED_ROWS)));
      }
    }
    return agreeing;
  }
}
