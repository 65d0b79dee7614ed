package io.arrowtensor.flink.file;

import static org.assertj.core.api.Assertions.assertThat;

import io.arrowtensor.BatchSchema;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.flink.Cluster;
import io.arrowtensor.flink.NothingHeld;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.api.common.state.CheckpointListener;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.connector.file.sink.FileSink;
import org.apache.flink.connector.file.src.FileSource;
import org.apache.flink.connector.file.src.FileSourceSplit;
import org.apache.flink.connector.file.src.reader.BulkFormat;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** Files in, whole batches through a job that fails, Arrow files out: each row once. */
@ExtendWith(NothingHeld.class)
@Timeout(120)
class FileExactlyOnceTest {
  @RegisterExtension static final Cluster CLUSTER = new Cluster();

  private static final int FILES = 4;
  private static final int BATCHES = 60;
  private static final int ROWS = 50;

  /** What one run counts over all attempts; tasks run in this JVM. */
  private static final class Counts {
    final AtomicInteger failuresLeft = new AtomicInteger();
    final AtomicLong rows = new AtomicLong();

    /** Whether a checkpoint holds rows of this attempt. */
    volatile boolean checkpointed;
  }

  private static final Map<String, Counts> RUNS = new ConcurrentHashMap<>();

  @TempDir Path folder;

  @RepeatedTest(10)
  void arrowFilesAreReadAndWrittenOnceAcrossFailures(RepetitionInfo repetition) throws Exception {
    for (int file = 0; file < FILES; file++) {
      NumberedRows.writeArrow(input("in").resolve(file + ".arrow"), file, BATCHES, ROWS);
    }
    run(ArrowFiles.read(IpcReadTest.path(input("in"))), repetition.getCurrentRepetition());
  }

  @RepeatedTest(10)
  void parquetFilesAreReadOnceAcrossFailures(RepetitionInfo repetition) throws Exception {
    for (int file = 0; file < FILES; file++) {
      Path path = input("in").resolve(file + ".parquet");
      NumberedRows.writeParquet(path, file, BATCHES * ROWS, 20 * ROWS);
    }
    BatchSchema schema = ParquetFiles.schema(IpcReadTest.path(input("in")));
    run(ParquetFiles.read(schema, ROWS), repetition.getCurrentRepetition());
  }

  private Path input(String name) throws Exception {
    return Files.createDirectories(folder.resolve(name));
  }

  private void run(BulkFormat<OwnedBatch, FileSourceSplit> format, int repetition)
      throws Exception {
    long seed = Long.getLong("seed", System.nanoTime() + repetition);
    Random random = new Random(seed);
    boolean unaligned = random.nextBoolean();
    boolean chained = random.nextBoolean();
    boolean reuse = random.nextBoolean();
    int failAfter = 5 + random.nextInt(40);
    System.out.printf(
        "-Dseed=%d: failures after %d batches, unaligned=%s chained=%s reuse=%s%n",
        seed, failAfter, unaligned, chained, reuse);
    String run = "files " + seed;
    Counts counts = RUNS.computeIfAbsent(run, name -> new Counts());
    int planned = 1 + random.nextInt(2);
    counts.failuresLeft.set(planned);
    StreamExecutionEnvironment environment = environment(unaligned, reuse);
    org.apache.flink.core.fs.Path in = IpcReadTest.path(input("in"));
    DataStream<OwnedBatch> batches =
        environment.fromSource(
            FileSource.forBulkFileFormat(format, in).build(),
            WatermarkStrategy.noWatermarks(),
            "files");
    DataStream<OwnedBatch> paced = batches.map(new Paced(run)).returns(format.getProducedType());
    (chained ? paced : paced.rebalance())
        .map(new Failing(run, failAfter))
        .returns(format.getProducedType())
        .sinkTo(
            FileSink.forBulkFormat(IpcReadTest.path(input("out")), ArrowFiles.writer()).build());
    CLUSTER.start(environment).awaitEnd(JobStatus.FINISHED);
    long rows = (long) FILES * BATCHES * ROWS;
    assertThat(committed()).containsExactly(LongStream.range(0, rows).boxed().toArray());
    // After a failure fewer batches may be left than the next one waits for.
    assertThat(counts.failuresLeft.get()).as("planned failures left").isLessThan(planned);
    assertThat(counts.rows.get()).as("rows mapped, some again").isGreaterThan(rows);
    assertThat(counts.rows.get()).as("not all again").isLessThan(3 * rows);
  }

  private static StreamExecutionEnvironment environment(boolean unaligned, boolean reuse) {
    Configuration configuration = new Configuration();
    configuration.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, Duration.ofMillis(20));
    Cluster.unaligned(configuration, unaligned);
    configuration.set(PipelineOptions.OBJECT_REUSE, reuse);
    configuration.set(RestartStrategyOptions.RESTART_STRATEGY, "fixed-delay");
    configuration.set(RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_ATTEMPTS, 10);
    configuration.set(
        RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_DELAY, Duration.ofMillis(50));
    return StreamExecutionEnvironment.createLocalEnvironment(2, configuration);
  }

  /** The ids in all files that were committed, by Arrow's own reader. */
  private List<Object> committed() throws Exception {
    List<Object> ids = new ArrayList<>();
    try (BufferAllocator allocator = new RootAllocator();
        Stream<Path> files = Files.walk(input("out"))) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        if (!file.getFileName().toString().startsWith(".")) {
          ids.addAll(IpcFixture.read(file, allocator).get(0));
        }
      }
    }
    ids.sort(null);
    return ids;
  }

  /**
   * Slow enough for checkpoints, above all for an attempt's first one. It is in the source's task,
   * so that no barrier waits behind batches in network buffers.
   */
  private record Paced(String run) implements MapFunction<OwnedBatch, OwnedBatch> {
    @Override
    public OwnedBatch map(OwnedBatch batch) {
      LockSupport.parkNanos(RUNS.get(run).checkpointed ? 1_000_000 : 50_000_000);
      return batch;
    }
  }

  /** Fails when a checkpoint has completed that holds data. */
  private static final class Failing extends RichMapFunction<OwnedBatch, OwnedBatch>
      implements CheckpointListener {
    private static final long serialVersionUID = 1;
    private final String run;
    private final int failAfter;
    private int batches;
    private boolean checkpointed;

    Failing(String run, int failAfter) {
      this.run = run;
      this.failAfter = failAfter;
    }

    @Override
    public OwnedBatch map(OwnedBatch batch) {
      batches++;
      Counts counts = RUNS.get(run);
      counts.rows.addAndGet(batch.rowCount());
      if (batches >= failAfter && checkpointed && counts.failuresLeft.getAndDecrement() > 0) {
        counts.checkpointed = false;
        throw new IllegalStateException("planned failure after " + batches + " batches");
      }
      return batch;
    }

    @Override
    public void notifyCheckpointComplete(long checkpoint) {
      checkpointed = batches > 0;
      if (checkpointed) {
        RUNS.get(run).checkpointed = true;
      }
    }
  }
}
