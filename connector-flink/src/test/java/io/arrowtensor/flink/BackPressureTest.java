package io.arrowtensor.flink;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.configuration.TaskManagerOptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A sink that is slower than everything before it: what waits where. */
@ExtendWith(NothingHeld.class)
@Timeout(120)
class BackPressureTest {
  /** Small buffers, so that a barrier that does not overtake rows comes to the operator at all. */
  @RegisterExtension
  static final Cluster CLUSTER =
      new Cluster(
          new Configuration()
              .set(TaskManagerOptions.MEMORY_SEGMENT_SIZE, MemorySize.parse("4 kb")));

  private static final long PAUSE_NANOS = 20_000;
  private static final int BARRIERS = 20;

  /** One batch is gathered, {@code inFlight} are computed or wait: all are emitted before it. */
  @ParameterizedTest(name = "inFlight {0}, unaligned {1}")
  @CsvSource({"0, false", "0, true", "1, true", "3, false", "3, true"})
  void aBarrierWaitsForTheBatchesThatThereAreNoLonger(int inFlight, boolean unaligned)
      throws Exception {
    String run = "barriers " + inFlight + unaligned;
    ThrottledJob throttled = new ThrottledJob(run, inFlight, unaligned, PAUSE_NANOS, 0);
    Cluster.Job job = throttled.start(CLUSTER);
    ThrottledJob.Counts counts = throttled.counts();
    Cluster.await("barriers passed", () -> counts.barriers.get() >= BARRIERS);
    job.cancel();
    long batches = inFlight + 1L;
    assertThat(counts.mostBeforeBarrier.get())
        .as("rows emitted while a barrier waited at the operator")
        .isBetween(unaligned ? 0 : 1L, batches * ThrottledJob.BATCH);
    // The median, as what a single barrier meets on its way is up to two threads' scheduling.
    List<Long> sinceSent = counts.sinceSent.stream().sorted().toList();
    long median = sinceSent.get(sinceSent.size() / 2);
    long oneBegun = (batches + 1) * ThrottledJob.BATCH;
    if (unaligned) {
      assertThat(median)
          .as("rows emitted since it left the source's task, with a batch begun on its way")
          .isLessThanOrEqualTo(oneBegun);
    } else {
      assertThat(median).as("as many, with all rows in buffers").isGreaterThan(oneBegun);
    }
  }

  /** The bound is reached where the function is what everything waits for. */
  @Test
  void aBarrierWaitsForAllBatchesInFlight() throws Exception {
    ThrottledJob slow = new ThrottledJob("in flight", 3, true, 0, 5_000_000);
    Cluster.Job job = slow.start(CLUSTER);
    Cluster.await("barriers passed", () -> slow.counts().barriers.get() >= BARRIERS);
    job.cancel();
    assertThat(slow.counts().mostBeforeBarrier.get())
        .as("rows emitted while a barrier waited at the operator")
        .isBetween(3L * ThrottledJob.BATCH, 4L * ThrottledJob.BATCH);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 3})
  void aSlowSinkHoldsTheSourceBack(int inFlight) throws Exception {
    ThrottledJob throttled =
        new ThrottledJob("held back " + inFlight, inFlight, false, PAUSE_NANOS, 0);
    Cluster.Job job = throttled.start(CLUSTER);
    ThrottledJob.Counts counts = throttled.counts();
    Cluster.await("rows arrived", () -> counts.sunk.get() >= 20_000);
    long ahead = counts.read.get() - counts.sunk.get();
    job.cancel();
    assertThat(counts.mostGathered.get())
        .as("rows in the operator at most, with the one that waits for a free batch")
        .isBetween((long) ThrottledJob.BATCH, (inFlight + 1L) * ThrottledJob.BATCH + 1);
    assertThat(ahead)
        .as("rows read and not sunk: those in network buffers and in the operator")
        .isLessThan(10_000);
  }
}
