package io.arrowtensor.flink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import java.util.stream.LongStream;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.core.execution.SavepointFormatType;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** {@code ML_PREDICT} when jobs fail, move, stop and are cancelled. */
@ExtendWith(NothingHeld.class)
@Timeout(120)
@SinceFlink(value = "2.1", feature = "ML_PREDICT")
class PredictFailureTest {
  @RegisterExtension static final Cluster CLUSTER = new Cluster();

  private static final long ROWS = 30_000;

  private static void assertComplete(String run, long rows) {
    assertThat(CommittedSink.committed(run))
        .as("committed ids of %s", run)
        .containsExactly(LongStream.range(0, rows).toArray());
  }

  @RepeatedTest(5)
  void failuresAtRandomPointsLoseAndRepeatNothing(RepetitionInfo repetition) throws Exception {
    long seed = Long.getLong("seed", System.nanoTime() + repetition.getCurrentRepetition());
    Random random = new Random(seed);
    boolean unaligned = random.nextBoolean();
    boolean chained = random.nextBoolean();
    boolean reuse = random.nextBoolean();
    int failAfter = 1000 + random.nextInt(9000);
    String run = "sql " + seed;
    System.out.printf(
        "-Dseed=%d: a failure after %d rows, unaligned=%s chained=%s reuse=%s%n",
        seed, failAfter, unaligned, chained, reuse);
    new TestJob(run, ROWS)
        .sql()
        .unaligned(unaligned)
        .chained(chained)
        .objectReuse(reuse)
        .failing(1, failAfter, false)
        .start(CLUSTER)
        .awaitEnd(JobStatus.FINISHED);
    assertComplete(run, ROWS);
    TestJob.Counts counts = TestJob.counts(run);
    assertThat(counts.failuresLeft.get()).as("planned failures left").isNotPositive();
    assertThat(counts.handedOver.get()).as("rows, some of them again").isGreaterThan(ROWS);
  }

  @Test
  void rowsUnderWayMoveFromTwoToFourToOneSubtask(@TempDir Path folder) throws Exception {
    String run = "sql rescaled";
    String savepoint = null;
    for (int parallelism : new int[] {2, 4}) {
      long before = CommittedSink.committed(run).length;
      Cluster.Job job =
          new TestJob(run, 120_000)
              .sql()
              .parallelism(parallelism)
              .sources(1)
              .rowsPerSecond(40_000)
              .from(savepoint)
              .start(CLUSTER);
      Cluster.await(
          "rows were committed", () -> CommittedSink.committed(run).length > before + 1000);
      savepoint = job.stop(false, folder.toUri().toString(), SavepointFormatType.CANONICAL);
    }
    new TestJob(run, 120_000)
        .sql()
        .parallelism(1)
        .sources(1)
        .from(savepoint)
        .start(CLUSTER)
        .awaitEnd(JobStatus.FINISHED);
    assertComplete(run, 120_000);
  }

  @Test
  void aCancelledJobFreesAll() throws Exception {
    String run = "sql cancelled";
    Cluster.Job job =
        new TestJob(run, 5_500_000).sql().rowsPerSecond(1e7).chained(false).start(CLUSTER);
    Cluster.await("rows were committed", () -> CommittedSink.committed(run).length > 1000);
    job.cancel();
  }

  /** The model counts to ten billion, which takes minutes unless it is ended. */
  @Test
  void aCancelEndsTheModelThatComputes() throws Exception {
    SqlJob job =
        SqlJob.streaming()
            .values("v", "n", "(10000000000)")
            .sql(Models.create("n BIGINT", "c BIGINT", "slow.onnx", ""));
    job.tables
        .toDataStream(job.query("SELECT c FROM ML_PREDICT(TABLE v, MODEL m, DESCRIPTOR(n))"))
        .print();
    Cluster.Job running = CLUSTER.start(job.environment);
    Cluster.await("the model computes", () -> Models.threadsInModels() > 0);
    long start = System.nanoTime();
    running.cancel();
    Cluster.await("the model ended", () -> Models.threadsInModels() == 0);
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(5));
  }

  @Test
  void aModelThatFailsFailsTheJobWithItsBatch() {
    SqlJob job =
        SqlJob.streaming()
            .values("t", "a", "(CAST(1 AS FLOAT))", "(CAST(1 AS FLOAT))")
            .sql(Models.create("a FLOAT", "y FLOAT", "changes_row_count.onnx", ""));
    assertThatThrownBy(() -> job.rows("SELECT y FROM ML_PREDICT(TABLE t, MODEL m, DESCRIPTOR(a))"))
        .hasStackTraceContaining("InterchangeException: Cannot score batch 0 of ")
        .hasStackTraceContaining("changes_row_count.onnx)(a): ");
  }
}
