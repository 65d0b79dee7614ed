package io.arrowtensor.flink.file;

import static org.assertj.core.api.Assertions.assertThat;

import io.arrowtensor.BatchContext;
import io.arrowtensor.BatchFunction;
import io.arrowtensor.BatchSchema;
import io.arrowtensor.BatchSchema.Column;
import io.arrowtensor.DType;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.FileAccess;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.flink.Cluster;
import io.arrowtensor.flink.NothingHeld;
import io.arrowtensor.flink.TensorStream;
import io.arrowtensor.internal.BatchMemory;
import io.arrowtensor.internal.BulkCopy;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.connector.file.src.FileSource;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** Batches of a file are freed when they are scored, where nobody else reads them. */
@ExtendWith(NothingHeld.class)
@Timeout(120)
class GivenAwayTest {
  @RegisterExtension static final Cluster CLUSTER = new Cluster();

  private static final int BATCHES = 200;
  private static final int ROWS = 10_000;
  private static final long BATCH_BYTES = 12L * ROWS;

  /** What the tasks, which run in this JVM, have seen. */
  private static final AtomicLong MOST_HELD = new AtomicLong();

  private static final AtomicLong SCORED = new AtomicLong();
  private static final AtomicLong COUNTED = new AtomicLong();

  @TempDir Path folder;

  @BeforeEach
  void forget() {
    MOST_HELD.set(0);
    SCORED.set(0);
    COUNTED.set(0);
  }

  @Test
  void theOnlyReaderOfASourceFreesItsBatchesAtOnce() throws Exception {
    StreamExecutionEnvironment environment = environment();
    score(source(environment));
    CLUSTER.start(environment).awaitEnd(JobStatus.FINISHED);
    assertThat(SCORED).hasValue((long) BATCHES * ROWS);
    assertThat(MOST_HELD.get())
        .as("bytes held at once, of %s in all", BATCHES * BATCH_BYTES)
        .isBetween(BATCH_BYTES, 20 * BATCH_BYTES);
  }

  @Test
  void whatTwoReadersShareIsNotClosedByOneOfThem() throws Exception {
    StreamExecutionEnvironment environment = environment();
    DataStream<OwnedBatch> batches = source(environment);
    score(batches);
    batches
        .map(
            batch -> {
              COUNTED.addAndGet(Cells.of(batch.column("id")).size());
              return 0;
            })
        .returns(Integer.class)
        .sinkTo(new DiscardingSink<>());
    CLUSTER.start(environment).awaitEnd(JobStatus.FINISHED);
    assertThat(SCORED).hasValue((long) BATCHES * ROWS);
    assertThat(COUNTED).hasValue((long) BATCHES * ROWS);
  }

  private static StreamExecutionEnvironment environment() {
    StreamExecutionEnvironment environment =
        StreamExecutionEnvironment.getExecutionEnvironment().setParallelism(1);
    environment.getConfig().enableObjectReuse();
    return environment;
  }

  private DataStream<OwnedBatch> source(StreamExecutionEnvironment environment) throws Exception {
    Path file = folder.resolve("rows.arrow");
    NumberedRows.writeArrow(file, 0, BATCHES, ROWS);
    var path = IpcReadTest.path(file);
    return environment.fromSource(
        FileSource.forBulkFileFormat(ArrowFiles.read(path), path).build(),
        WatermarkStrategy.noWatermarks(),
        "file");
  }

  private static void score(DataStream<OwnedBatch> batches) {
    TensorStream.of(batches).columns("id").map(new Copied()).sinkTo(new DiscardingSink<>());
  }

  /** Gives back what it gets. */
  private static final class Copied implements BatchFunction {
    private static final long serialVersionUID = 1;
    private transient Options options;

    @Override
    public BatchSchema resultSchema(BatchSchema input, FileAccess files) {
      return BatchSchema.of(Column.scalar("y", DType.INT64));
    }

    @Override
    public void open(BatchContext context) {
      options = Options.defaults().withAllocator(context.allocator());
    }

    @Override
    public OwnedBatch apply(DeviceBatch batch) {
      MOST_HELD.accumulateAndGet(BatchMemory.heldBytes(), Math::max);
      SCORED.addAndGet(batch.rowCount());
      DeviceArray ids = batch.column("id").array();
      DeviceArray copy = DeviceArray.from(Memory.allocate(DType.INT64, ids.size()), options);
      BulkCopy.copy(ids.address(), copy.address(), ids.nbytes());
      return OwnedBatch.of(DeviceColumn.of("y", copy));
    }

    @Override
    public void close() {}
  }
}
