package io.arrowtensor.flink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.InterchangeException;
import io.arrowtensor.MemoryLimitException;
import io.arrowtensor.OwnedBatch;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Batches that hold all the memory of the task that made them. */
@ExtendWith(NothingHeld.class)
@Timeout(120)
class BatchBudgetTest {
  @RegisterExtension static final Cluster CLUSTER = new Cluster();

  private static final int ROWS = 1000;
  private static final List<OwnedBatch> HELD = new CopyOnWriteArrayList<>();
  private static final AtomicLong SEEN = new AtomicLong();

  @AfterEach
  void letGo() {
    HELD.clear();
    SEEN.set(0);
  }

  private static Configuration configuration(int kibibytes, Duration timeout) {
    Configuration configuration = new Configuration();
    configuration.set(TensorSettings.TASK_MEMORY, new MemorySize(1024L * kibibytes));
    configuration.set(TensorSettings.MEMORY_TIMEOUT, timeout);
    return configuration;
  }

  /** Batches of {@link #ROWS} rows, 16 kB each. */
  private static SingleOutputStreamOperator<OwnedBatch> batches(
      StreamExecutionEnvironment environment, long batches) {
    DataStream<Event> events =
        environment.fromSequence(0, batches * ROWS - 1).map(Event::of).returns(Event.class);
    return TensorStream.of(events).columns("a", "b").maxRows(ROWS).mapBatches(new Sum(), "id");
  }

  private static StreamExecutionEnvironment environment(int kibibytes, Duration timeout) {
    return StreamExecutionEnvironment.createLocalEnvironment(1, configuration(kibibytes, timeout));
  }

  @Test
  void batchesThatEveryoneHasDroppedAreFreedWhileTheJobRuns() throws Exception {
    StreamExecutionEnvironment environment = environment(1024, Duration.ofSeconds(60));
    batches(environment, 300)
        .map(batch -> SEEN.addAndGet(batch.rowCount()))
        .returns(Types.LONG)
        .sinkTo(new DiscardingSink<>());
    CLUSTER.start(environment).awaitEnd(JobStatus.FINISHED);
    assertThat(SEEN).as("rows, of 16 bytes each").hasValue(300 * ROWS);
  }

  /** Nobody waits: the time for that is too short for a collection. */
  @Test
  void behindTheNetworkTheWriterFreesABatchAtOnce() throws Exception {
    StreamExecutionEnvironment environment = environment(256, Duration.ofNanos(1));
    TensorStream.of(batches(environment, 100).rebalance())
        .columns("y")
        .mapBatches(new Sum("z"), "id")
        .rebalance()
        .map(
            batch -> {
              SEEN.addAndGet(batch.rowCount());
              batch.close();
              return 1L;
            })
        .returns(Types.LONG)
        .sinkTo(new DiscardingSink<>());
    CLUSTER.start(environment).awaitEnd(JobStatus.FINISHED);
    assertThat(SEEN).as("rows").hasValue(100 * ROWS);
  }

  @Test
  void aTaskWhoseBatchesAreHeldSaysSo() throws Exception {
    Harness<Event, OwnedBatch> harness =
        Harness.create(
            TypeInformation.of(Event.class),
            configuration(100, Duration.ofMillis(200)),
            stream -> stream.columns("a", "b").maxRows(ROWS).mapBatches(new Sum(), "id"));
    harness.flink().open();
    assertThatThrownBy(
            () -> {
              for (int id = 0; id < 20 * ROWS; id++) {
                harness.send(Event.of(id), 0);
                HELD.addAll(harness.values());
              }
            })
        .isInstanceOf(InterchangeException.class)
        .hasCauseInstanceOf(MemoryLimitException.class)
        .hasMessageContaining("Cannot allocate 8")
        .hasMessageMatching(
            "(?s).* of 102400 are held, \\d+ of them by [1-4] batches that were passed on and are"
                + " reachable, exported or not collected yet, and nothing was freed for \\d+ ms;"
                + " close batches that only one operator reads when it is done with them, keep"
                + " fewer in state or in flight, or raise tensor.task.memory");
    assertThat(HELD).as("batches that were emitted before").isNotEmpty();
    harness.kill();
  }

  @Test
  void aJobThatWaitsForMemoryIsCancelledAtOnce() throws Exception {
    StreamExecutionEnvironment environment = environment(128, Duration.ofMinutes(10));
    batches(environment, 1000)
        .map(
            batch -> {
              HELD.add(batch);
              return 1L;
            })
        .returns(Types.LONG)
        .sinkTo(new DiscardingSink<>());
    Cluster.Job job = CLUSTER.start(environment);
    Cluster.await("a task waits for memory", BatchBudgetTest::isAnyoneWaiting);
    long start = System.nanoTime();
    job.cancel();
    assertThat(Duration.ofNanos(System.nanoTime() - start))
        .as("from the cancel to the job's end")
        .isLessThan(Duration.ofSeconds(5));
    assertThat(HELD.get(0).column("id").values().byteBuffer().asLongBuffer().get(7))
        .as("a batch that is held outlives its task")
        .isEqualTo(7);
  }

  private static boolean isAnyoneWaiting() {
    return Thread.getAllStackTraces().values().stream()
        .flatMap(Stream::of)
        .anyMatch(frame -> frame.getClassName().endsWith(".MemoryWait"));
  }
}
