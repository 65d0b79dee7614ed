package io.arrowtensor.flink;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.api.common.RuntimeExecutionMode;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Histogram;
import org.apache.flink.metrics.HistogramStatistics;
import org.apache.flink.metrics.Metric;
import org.apache.flink.runtime.testutils.InMemoryReporter;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.types.Row;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How many rows the batches of {@code ML_PREDICT} have. */
@ExtendWith(NothingHeld.class)
@Timeout(120)
@SinceFlink(value = "2.1", feature = "ML_PREDICT")
class PredictBatchesTest {
  private static final int ROWS = 100_000;
  private static final int N = 512;

  private static final InMemoryReporter REPORTER = InMemoryReporter.createWithRetainedMetrics();

  @RegisterExtension
  static final Cluster CLUSTER = new Cluster(REPORTER.addToConfiguration(new Configuration()));

  private SqlJob job(RuntimeExecutionMode mode, int operations) {
    SqlJob job = new SqlJob(new Configuration(), mode);
    job.tables
        .getConfig()
        .set("table.exec.async-ml-predict.max-concurrent-operations", Integer.toString(operations));
    return job.numbers(ROWS)
        .sql(
            Models.create(
                "a FLOAT, b FLOAT", "s FLOAT", "add.onnx", ", 'batch.max-rows' = '" + N + "'"));
  }

  /** Runs the query to its end, and tells the rows of its batches. */
  private static HistogramStatistics run(SqlJob job, String map) throws Exception {
    String query = "SELECT id, s FROM ML_PREDICT(TABLE t, MODEL m, DESCRIPTOR(a, b)" + map + ")";
    job.tables
        .toDataStream(job.query(query))
        .map(
            row -> {
              if (!row.getField(1).equals(3F * (Long) row.getField(0))) {
                throw new IllegalStateException("wrong result: " + row);
              }
              return row;
            })
        .returns(Row.class)
        .sinkTo(new DiscardingSink<>());
    Cluster.Job running = CLUSTER.start(job.environment);
    running.awaitEnd(JobStatus.FINISHED);
    assertThat(((Counter) metric(running, "rows")).getCount()).as("rows").isEqualTo(ROWS);
    return ((Histogram) metric(running, "rowsPerBatch")).getStatistics();
  }

  /** The metric of the operator that Flink makes of ML_PREDICT. */
  private static Metric metric(Cluster.Job job, String name) {
    List<Metric> found = new ArrayList<>();
    REPORTER
        .getMetricsByGroup()
        .forEach(
            (group, metrics) -> {
              Map<String, String> of = group.getAllVariables();
              if (job.id().toString().equals(of.get("<job_id>"))
                  && of.getOrDefault("<operator_name>", "").startsWith("MLPredictTableFunction")
                  && metrics.containsKey(name)) {
                found.add(metrics.get(name));
              }
            });
    assertThat(found).as("metrics called %s", name).hasSize(1);
    return found.get(0);
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '"',
      textBlock =
          """
          1024, ""
          10, ", MAP['max-concurrent-operations', '1024']"
          10, ", MAP['async', 'true', 'max-concurrent-operations', '4096', 'timeout', '0 s']"
          """)
  void halfTheBatchesAreAtLeastHalfFull(int operations, String map) throws Exception {
    requireHalfFull(RuntimeExecutionMode.STREAMING, operations, map);
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '"',
      textBlock =
          """
          1024, ""
          10, ", MAP['max-concurrent-operations', '1024']"
          """)
  @SinceFlink(value = "2.3", feature = "ML_PREDICT in batch mode")
  void soTheyAreInBatchMode(int operations, String map) throws Exception {
    requireHalfFull(RuntimeExecutionMode.BATCH, operations, map);
  }

  private void requireHalfFull(RuntimeExecutionMode mode, int operations, String map)
      throws Exception {
    Warnings.told();
    HistogramStatistics rows = run(job(mode, operations), map);
    assertThat(rows.getQuantile(0.5)).as("median").isGreaterThanOrEqualTo(N / 2.0);
    assertThat(rows.getMax()).as("largest").isEqualTo(N);
    assertThat(Warnings.told()).as("warnings").isEmpty();
  }

  @Test
  void withTheDefaultOfTenRowsUnderWayBatchesAreFiveAndOneWarningTellsIt() throws Exception {
    Warnings.told();
    HistogramStatistics rows = run(job(RuntimeExecutionMode.STREAMING, 10), "");
    assertThat(rows.getMax()).as("largest").isEqualTo(5);
    assertThat(rows.getQuantile(0.5)).as("median").isGreaterThanOrEqualTo(3);
    assertThat(Warnings.told())
        .containsExactly(
            "ML_PREDICT scores model default_catalog.default_database.m in batches of 5 rows"
                + " instead of 512, because only 10 rows may be under way at once: raise"
                + " table.exec.async-ml-predict.max-concurrent-operations, or"
                + " MAP['max-concurrent-operations', '...'] of the call, to 1024");
  }
}
