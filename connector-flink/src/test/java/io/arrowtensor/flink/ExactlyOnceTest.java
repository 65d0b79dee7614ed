package io.arrowtensor.flink;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Random;
import java.util.stream.LongStream;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.api.common.RuntimeExecutionMode;
import org.apache.flink.core.execution.SavepointFormatType;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** What a committed two-phase sink holds at the end is the input, whatever happened on the way. */
@ExtendWith(NothingHeld.class)
@Timeout(120)
class ExactlyOnceTest {
  @RegisterExtension static final Cluster CLUSTER = new Cluster();

  private static final long ROWS = 30_000;

  private static void assertComplete(String run, long rows) {
    assertThat(CommittedSink.committed(run))
        .as("committed ids of %s", run)
        .containsExactly(LongStream.range(0, rows).toArray());
    TestJob.Counts counts = TestJob.counts(run);
    assertThat(counts.closed).as("functions closed").hasValue(counts.opened.get());
  }

  @RepeatedTest(20)
  void failuresAtRandomPointsLoseAndRepeatNothing(RepetitionInfo repetition) throws Exception {
    long seed = Long.getLong("seed", System.nanoTime() + repetition.getCurrentRepetition());
    Random random = new Random(seed);
    int failures = 1 + random.nextInt(2);
    boolean unaligned = random.nextBoolean();
    boolean chained = random.nextBoolean();
    boolean keyed = !chained && random.nextBoolean();
    boolean reuse = random.nextBoolean();
    boolean inFunction = random.nextBoolean();
    int inFlight = random.nextInt(4);
    int failAfter = 1000 + random.nextInt(9000);
    String run = "failing " + seed;
    System.out.printf(
        "-Dseed=%d: %d failures after %d rows, unaligned=%s chained=%s keyed=%s reuse=%s"
            + " inFunction=%s inFlight=%d%n",
        seed, failures, failAfter, unaligned, chained, keyed, reuse, inFunction, inFlight);
    new TestJob(run, ROWS)
        .unaligned(unaligned)
        .chained(chained)
        .keyed(keyed)
        .objectReuse(reuse)
        .inFlight(inFlight)
        .failing(failures, failAfter, inFunction)
        .start(CLUSTER)
        .awaitEnd(JobStatus.FINISHED);
    assertComplete(run, ROWS);
    TestJob.Counts counts = TestJob.counts(run);
    assertThat(counts.failuresLeft.get()).as("planned failures left").isNotPositive();
    assertThat(counts.handedOver.get())
        .as("rows given to the function, some of them again")
        .isGreaterThan(ROWS);
  }

  @Test
  void aJobInBatchModeScoresAllOnce() throws Exception {
    String run = "batch";
    new TestJob(run, ROWS)
        .mode(RuntimeExecutionMode.BATCH)
        .chained(false)
        .start(CLUSTER)
        .awaitEnd(JobStatus.FINISHED);
    assertComplete(run, ROWS);
  }

  @Test
  void aJobMovesFromTwoToFourToOneSubtask(@TempDir Path folder) throws Exception {
    String run = "rescaled";
    long rows = 120_000;
    String savepoint = null;
    for (int parallelism : new int[] {2, 4}) {
      long before = CommittedSink.committed(run).length;
      Cluster.Job job =
          new TestJob(run, rows)
              .parallelism(parallelism)
              .sources(1)
              .inFlight(2)
              .rowsPerSecond(40_000)
              .chained(false)
              .unaligned(true)
              .from(savepoint)
              .start(CLUSTER);
      Cluster.await(
          "rows were committed", () -> CommittedSink.committed(run).length > before + 1000);
      savepoint = job.stop(false, folder.toUri().toString(), SavepointFormatType.CANONICAL);
    }
    assertThat(CommittedSink.committed(run).length)
        .as("rows before the end")
        .isLessThan((int) rows);
    new TestJob(run, rows)
        .parallelism(1)
        .sources(1)
        .chained(false)
        .from(savepoint)
        .start(CLUSTER)
        .awaitEnd(JobStatus.FINISHED);
    assertComplete(run, rows);
  }

  @Test
  void aDrainedJobHasEmittedAllThatItRead(@TempDir Path folder) throws Exception {
    String run = "drained";
    Cluster.Job job =
        new TestJob(run, 10_000_000).parallelism(1).sources(1).inFlight(3).start(CLUSTER);
    Cluster.await("rows were committed", () -> CommittedSink.committed(run).length > 1000);
    job.stop(true, folder.toUri().toString(), SavepointFormatType.NATIVE);
    job.awaitEnd(JobStatus.FINISHED);
    assertComplete(run, TestJob.counts(run).read.get());
  }

  @Test
  void aCancelledJobFreesAllAndClosesItsFunctions() throws Exception {
    String run = "cancelled";
    Cluster.Job job =
        new TestJob(run, 1_000_000_000).rowsPerSecond(1e7).chained(false).start(CLUSTER);
    Cluster.await("rows were committed", () -> CommittedSink.committed(run).length > 1000);
    job.cancel();
    TestJob.Counts counts = TestJob.counts(run);
    Cluster.await("functions are closed", () -> counts.closed.get() == counts.opened.get());
    long[] committed = CommittedSink.committed(run);
    assertThat(LongStream.of(committed).distinct().count())
        .as("no id twice")
        .isEqualTo(committed.length);
  }
}
