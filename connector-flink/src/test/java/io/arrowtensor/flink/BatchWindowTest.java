package io.arrowtensor.flink;

import static org.assertj.core.api.Assertions.assertThat;

import io.arrowtensor.OwnedBatch;
import io.arrowtensor.internal.RawMemory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.LongStream;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.api.common.state.CheckpointListener;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.connector.source.util.ratelimit.RateLimiterStrategy;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.configuration.StateBackendOptions;
import org.apache.flink.configuration.StateRecoveryOptions;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.core.execution.SavepointFormatType;
import org.apache.flink.streaming.api.datastream.DataStreamUtils;
import org.apache.flink.streaming.api.datastream.KeyedStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.windowing.ProcessWindowFunction;
import org.apache.flink.streaming.api.windowing.assigners.TumblingEventTimeWindows;
import org.apache.flink.streaming.api.windowing.windows.TimeWindow;
import org.apache.flink.util.Collector;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Windows of ten seconds over whole batches, in state on the heap and in RocksDB. */
@ExtendWith(NothingHeld.class)
@Timeout(120)
class BatchWindowTest {
  @RegisterExtension static final Cluster CLUSTER = new Cluster();

  /**
   * One each millisecond of event time, so three windows. However slow the machine is, there are
   * checkpoints between them, as each lets the source send some more.
   */
  private static final long ROWS = 30_000;

  /** What one run counts, over all its attempts. */
  private static final class Counts {
    final AtomicInteger failuresLeft = new AtomicInteger();
    final AtomicLong read = new AtomicLong();
    final AtomicInteger windows = new AtomicInteger();
  }

  private static final Map<String, Counts> RUNS = new ConcurrentHashMap<>();

  private static Counts counts(String run) {
    return RUNS.computeIfAbsent(run, name -> new Counts());
  }

  /** Fails after checkpoints that hold batches of an open window. */
  private static final class Failing extends RichMapFunction<Event, Event>
      implements CheckpointListener {
    private static final long serialVersionUID = 1;
    private final String run;
    private long rows;
    private boolean due;

    Failing(String run) {
      this.run = run;
    }

    @Override
    public Event map(Event event) {
      counts(run).read.incrementAndGet();
      rows++;
      if (due && counts(run).failuresLeft.getAndDecrement() > 0) {
        throw new IllegalStateException("planned failure");
      }
      return event;
    }

    @Override
    public void notifyCheckpointComplete(long checkpoint) {
      due = rows > 3000;
    }
  }

  /** The rows of the window's batches. */
  private static final class Rows
      extends ProcessWindowFunction<OwnedBatch, Scored, Byte, TimeWindow> {
    private static final long serialVersionUID = 1;
    private final String run;

    Rows(String run) {
      this.run = run;
    }

    @Override
    public void process(
        Byte key, Context context, Iterable<OwnedBatch> batches, Collector<Scored> out) {
      counts(run).windows.incrementAndGet();
      for (OwnedBatch batch : batches) {
        for (int row = 0; row < batch.rowCount(); row++) {
          long id = RawMemory.longAt(batch.column("id").values().address() + 8L * row);
          double sum = RawMemory.doubleAt(batch.column("y").values().address() + 8L * row);
          long time =
              RawMemory.longAt(batch.column(TensorStream.ROW_TIME).values().address() + 8L * row);
          assertThat(time).as("timestamp of row %d", id).isEqualTo(id);
          out.collect(new Scored(id, sum));
        }
      }
    }
  }

  private static StreamExecutionEnvironment environment(String backend, String savepoint) {
    Configuration configuration = new Configuration();
    configuration.set(StateBackendOptions.STATE_BACKEND, backend);
    configuration.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, Duration.ofMillis(30));
    configuration.set(RestartStrategyOptions.RESTART_STRATEGY, "fixed-delay");
    configuration.set(RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_ATTEMPTS, 5);
    configuration.set(
        RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_DELAY, Duration.ofMillis(50));
    if (!savepoint.isEmpty()) {
      configuration.set(StateRecoveryOptions.SAVEPOINT_PATH, savepoint);
    }
    return StreamExecutionEnvironment.createLocalEnvironment(1, configuration);
  }

  /**
   * @param chained whether the window gets the batches themselves, else their bytes
   */
  private static Cluster.Job start(String run, String backend, boolean chained, String savepoint)
      throws Exception {
    StreamExecutionEnvironment environment = environment(backend, savepoint);
    DataGeneratorSource<Event> source =
        new DataGeneratorSource<>(
            Event::of,
            ROWS,
            RateLimiterStrategy.perCheckpoint(1500),
            TypeInformation.of(Event.class));
    WatermarkStrategy<Event> times =
        WatermarkStrategy.<Event>forMonotonousTimestamps()
            .withTimestampAssigner((event, before) -> event.id);
    SingleOutputStreamOperator<OwnedBatch> batches =
        TensorStream.of(
                environment
                    .fromSource(source, times, "events")
                    .uid("source")
                    .map(new Failing(run))
                    .returns(Event.class))
            .columns("a", "b")
            .maxRows(64)
            .mapBatches(new Sum(), "id")
            .uid("scored");
    KeyedStream<OwnedBatch, Byte> keyed =
        chained
            ? DataStreamUtils.reinterpretAsKeyedStream(batches, batch -> (byte) 0)
            : batches.keyBy(batch -> (byte) 0);
    keyed
        .window(TumblingEventTimeWindows.of(Duration.ofSeconds(10)))
        .process(new Rows(run))
        .uid("window")
        .sinkTo(new CommittedSink(run))
        .uid("sink");
    return CLUSTER.start(environment);
  }

  private static void assertComplete(String run) {
    long[] committed = CommittedSink.committed(run);
    assertThat(committed).as("ids of %s", run).hasSizeLessThanOrEqualTo((int) ROWS);
    assertThat(committed).as("ids of %s", run).containsExactly(LongStream.range(0, ROWS).toArray());
    assertThat(counts(run).windows.get()).as("windows").isGreaterThanOrEqualTo(3);
  }

  @ParameterizedTest
  @CsvSource({"hashmap, true", "hashmap, false", "rocksdb, true", "rocksdb, false"})
  void aWindowOfBatchesIsRestoredAfterAFailure(String backend, boolean chained) throws Exception {
    String run = "window in " + backend + " chained " + chained;
    counts(run).failuresLeft.set(2);
    start(run, backend, chained, "").awaitEnd(JobStatus.FINISHED);
    assertComplete(run);
    assertThat(counts(run).failuresLeft.get()).as("failures left").isNotPositive();
    assertThat(counts(run).read.get()).as("rows read, some again").isGreaterThan(ROWS);
  }

  @ParameterizedTest
  @CsvSource({"hashmap, rocksdb", "rocksdb, hashmap"})
  void aSavepointOfOneBackendIsRestoredByTheOther(String before, String after, @TempDir Path folder)
      throws Exception {
    String run = "window from " + before + " to " + after;
    Cluster.Job job = start(run, before, true, "");
    Cluster.await("rows were read", () -> counts(run).read.get() > 5000);
    String savepoint = job.stop(false, folder.toUri().toString(), SavepointFormatType.CANONICAL);
    assertThat(counts(run).read.get()).as("rows before the savepoint").isLessThan(ROWS);
    start(run, after, true, savepoint).awaitEnd(JobStatus.FINISHED);
    assertComplete(run);
  }
}
