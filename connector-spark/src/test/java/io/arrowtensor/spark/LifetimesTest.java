package io.arrowtensor.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.BatchContext;
import io.arrowtensor.Copy;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.Lifetime;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.internal.RawMemory;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.streaming.StreamingQuery;
import org.apache.spark.sql.streaming.Trigger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Memory and functions live as long as they must, however a task ends. */
class LifetimesTest {
  private static final SparkSession SPARK = Local.SPARK;

  @AfterEach
  void nothingIsHeld() {
    Local.assertNothingHeld();
    assertThat(Counting.OPEN).as("functions opened and not closed").hasValue(0);
  }

  private static Dataset<Row> scored(Sum function) {
    return Tensors.map(SPARK.table("t"), function, Options.defaults(), "a", "b");
  }

  @ParameterizedTest(name = "settings {0}")
  @ValueSource(
      strings = {
        "spark.sql.adaptive.enabled=true",
        "spark.sql.adaptive.enabled=false",
        "spark.sql.columnVector.offheap.enabled=true",
        "spark.sql.codegen.wholeStage=false",
        "spark.sql.parquet.columnarReaderBatchSize=100"
      })
  void everyConsumerLeavesNothingBehind(String setting) {
    Local.with(
        List.of(setting.split("=", 2)),
        () -> {
          Dataset<Row> scored = scored(new Counting());
          assertThat(scored.limit(5).collectAsList()).as("limit").hasSize(5);
          assertThat(scored.union(scored).where("y = cast(a as double) + b").count())
              .as("union")
              .isEqualTo(2L * Local.ROWS);
          assertThat(scored.coalesce(1).where("y = cast(a as double) + b").count())
              .as("coalesce, so that one task has two partitions")
              .isEqualTo(Local.ROWS);
          scored.write().mode("overwrite").parquet(Local.file("written"));
          assertThat(
                  SPARK
                      .read()
                      .parquet(Local.file("written"))
                      .where("y = cast(a as double) + b")
                      .count())
              .as("written")
              .isEqualTo(Local.ROWS);
          assertThat(scored.take(3)).as("take").isNotNull();
          assertThat(scored.isEmpty()).as("emptiness").isFalse();
        });
  }

  @Test
  void batchesOfAChainAreFreedAsTheyAreConsumed() {
    Local.with(
        List.of(
            "spark.sql.inMemoryColumnarStorage.batchSize", "1000",
            "spark.sql.codegen.wholeStage", "false"),
        () -> {
          Peak.HIGHEST.set(0);
          Dataset<Row> twice =
              Tensors.map(
                  scored(new Sum()).withColumnRenamed("y", "x"),
                  new Peak(),
                  Options.defaults(),
                  "x",
                  "b");
          assertThat(twice.coalesce(1).where("y = x + b").count()).as("rows").isEqualTo(Local.ROWS);
          assertThat(Peak.HIGHEST.get())
              .as("bytes held at once, 8000 for each result of a batch")
              .isLessThan(10 * 8_000L);
        });
  }

  @Test
  void anEmptyPartitionOpensNoFunction() {
    Counting.EVER.set(0);
    Dataset<Row> none =
        Tensors.map(SPARK.table("t").where("id < 0"), new Counting(), Options.defaults(), "a");
    assertThat(none.count() + none.collectAsList().size()).as("rows").isZero();
    assertThat(Counting.EVER).as("functions opened").hasValue(0);
  }

  @Test
  void aStreamIsScored() throws Exception {
    Dataset<Row> stream =
        SPARK.readStream().schema(SPARK.table("t").schema()).parquet(Local.file("table"));
    Dataset<Row> scored = Tensors.map(stream, new Counting(), Options.defaults(), "a", "b");
    StreamingQuery query =
        scored
            .writeStream()
            .trigger(Trigger.AvailableNow())
            .format("parquet")
            .option("checkpointLocation", Local.file("checkpoint"))
            .start(Local.file("streamed"));
    query.awaitTermination();
    assertThat(
            SPARK.read().parquet(Local.file("streamed")).where("y = cast(a as double) + b").count())
        .as("right rows")
        .isEqualTo(Local.ROWS);
  }

  @Test
  void aFunctionThatFailsIsClosed() {
    assertThatThrownBy(() -> scored(new FailsLate()).collect())
        .hasStackTraceContaining("failed on purpose");
  }

  @Test
  void aFunctionThatFailsToOpenIsClosed() {
    assertThatThrownBy(() -> scored(new FailsToOpen()).collect())
        .hasStackTraceContaining("cannot open on purpose");
  }

  @Test
  @Timeout(120)
  void aKilledTaskEndsARunningCall() throws Exception {
    Blocking.RUNNING = new CountDownLatch(1);
    AtomicReference<@Nullable Throwable> outcome = new AtomicReference<>();
    Thread job =
        new Thread(
            () -> {
              SPARK.sparkContext().setJobGroup("to be killed", "", false);
              try {
                scored(new Blocking()).collect();
              } catch (Exception e) {
                outcome.set(e);
              }
            });
    job.start();
    assertThat(Blocking.RUNNING.await(60, TimeUnit.SECONDS)).as("call is running").isTrue();
    SPARK.sparkContext().cancelJobGroup("to be killed");
    job.join();
    assertThat(outcome.get()).as("how the job ended").isNotNull();
    waitForTasks();
  }

  private static void waitForTasks() {
    while (SPARK.sparkContext().statusTracker().getActiveStageIds().length > 0
        || Counting.OPEN.get() > 0) {
      Thread.onSpinWait();
    }
  }

  @Test
  void anArrayOfTheBatchIsGuardedAfterwards() {
    Keeping.KEPT.set(null);
    assertThat(scored(new Keeping()).collectAsList()).as("rows").hasSize(Local.ROWS);
    DeviceArray kept = Keeping.KEPT.get();
    assertThatThrownBy(kept::address)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("has ended")
        .hasMessageContaining("copy or export it");
  }

  @ParameterizedTest(name = "off heap {0}")
  @ValueSource(strings = {"true", "false"})
  void anExportOutlivesItsTask(String offHeap) {
    Local.with(
        List.of("spark.sql.columnVector.offheap.enabled", offHeap),
        () -> {
          Dataset<Row> one = SPARK.table("t").where("id < 100").coalesce(1);
          Dataset<Row> scored = Tensors.map(one, new Exporting(), Options.defaults(), "b");
          assertThat(scored.collectAsList()).as("rows").hasSize(100);
        });
    Memory kept = Exporting.KEPT.getAndSet(null);
    assertThat(RawMemory.doubleAt(kept.start() + 8 * 99)).as("a value").isEqualTo(49.5);
    kept.release();
  }

  @Test
  void aCallThatFailedWaitsForItsExports() {
    FailingExporter.ENDED.set(false);
    FailingExporter.RELEASED.set("never");
    Local.with(
        List.of("spark.sql.columnVector.offheap.enabled", "true"),
        () -> {
          Dataset<Row> one = SPARK.table("t").where("id < 100").coalesce(1);
          Dataset<Row> scored = Tensors.map(one, new FailingExporter(), Options.defaults(), "b");
          assertThatThrownBy(scored::collectAsList).hasStackTraceContaining("failed on purpose");
        });
    while (FailingExporter.RELEASED.get().equals("never")) {
      Thread.onSpinWait();
    }
    assertThat(FailingExporter.RELEASED).as("released").hasValue("while the task waited");
  }

  @Test
  void aResultThatIsAnArgumentIsCopiedOut() {
    Local.with(
        List.of("spark.sql.columnVector.offheap.enabled", "true"),
        () -> {
          Dataset<Row> same =
              Tensors.map(SPARK.table("t"), new Identity(), Options.defaults(), "b");
          assertThat(same.where("y = b").count()).as("right rows").isEqualTo(Local.ROWS);
        });
  }

  private static class Counting extends Sum {
    private static final long serialVersionUID = 1;
    static final AtomicInteger OPEN = new AtomicInteger();
    static final AtomicInteger EVER = new AtomicInteger();

    @Override
    public void open(BatchContext context) throws Exception {
      super.open(context);
      OPEN.incrementAndGet();
      EVER.incrementAndGet();
    }

    @Override
    public void close() {
      OPEN.decrementAndGet();
    }
  }

  private static final class FailsLate extends Counting {
    private static final long serialVersionUID = 1;

    @Override
    public OwnedBatch apply(DeviceBatch batch) throws Exception {
      super.apply(batch).close();
      throw new IllegalStateException("failed on purpose");
    }
  }

  private static final class FailsToOpen extends Counting {
    private static final long serialVersionUID = 1;

    @Override
    public void open(BatchContext context) throws Exception {
      super.open(context);
      throw new IllegalStateException("cannot open on purpose");
    }
  }

  private static final class Blocking extends Counting {
    private static final long serialVersionUID = 1;
    static volatile CountDownLatch RUNNING = new CountDownLatch(1);
    private transient CountDownLatch cancelled = new CountDownLatch(1);

    @Override
    public void open(BatchContext context) throws Exception {
      super.open(context);
      cancelled = new CountDownLatch(1);
      context.onCancel(cancelled::countDown);
    }

    @Override
    public OwnedBatch apply(DeviceBatch batch) throws Exception {
      RUNNING.countDown();
      cancelled.await();
      assertThat(context.cancelled()).as("cancelled").isTrue();
      throw new IllegalStateException("ended by the kill");
    }
  }

  private static final class Keeping extends Sum {
    private static final long serialVersionUID = 1;
    static final AtomicReference<@Nullable DeviceArray> KEPT = new AtomicReference<>();

    @Override
    public OwnedBatch apply(DeviceBatch batch) throws Exception {
      KEPT.set(batch.column(0).values());
      return super.apply(batch);
    }
  }

  private static final class Exporting extends Sum {
    private static final long serialVersionUID = 1;
    static final AtomicReference<@Nullable Memory> KEPT = new AtomicReference<>();

    @Override
    public OwnedBatch apply(DeviceBatch batch) throws Exception {
      Memory export = Memory.forExport(batch.column(0).values(), Options.defaults());
      Memory before = KEPT.getAndSet(export);
      if (before != null) {
        before.release();
      }
      return super.apply(batch);
    }
  }

  /** Fails while an export is alive, which is released when the task waits for it or ends. */
  private static final class FailingExporter extends Counting {
    private static final long serialVersionUID = 1;
    static final AtomicBoolean ENDED = new AtomicBoolean();
    static final AtomicReference<String> RELEASED = new AtomicReference<>("never");

    @Override
    public OwnedBatch apply(DeviceBatch batch) {
      Options shared = Options.defaults().withLifetime(Lifetime.SCOPE).withCopy(Copy.NEVER);
      releaseLater(Memory.forExport(batch.column(0).values(), shared), Thread.currentThread());
      throw new IllegalStateException("failed on purpose");
    }

    private static void releaseLater(Memory export, Thread task) {
      new Thread(
              () -> {
                while (task.getState() != Thread.State.TIMED_WAITING && !ENDED.get()) {
                  Thread.onSpinWait();
                }
                RELEASED.set(ENDED.get() ? "after the task ended" : "while the task waited");
                export.release();
              })
          .start();
    }

    @Override
    public void close() {
      ENDED.set(true);
      super.close();
    }
  }

  private static final class Identity extends Sum {
    private static final long serialVersionUID = 1;

    @Override
    public OwnedBatch apply(DeviceBatch batch) {
      return OwnedBatch.of(DeviceColumn.of("y", DeviceArray.from(batch.column(0).values())));
    }
  }

  private static final class Peak extends Sum {
    private static final long serialVersionUID = 1;
    static final java.util.concurrent.atomic.AtomicLong HIGHEST =
        new java.util.concurrent.atomic.AtomicLong();

    @Override
    public OwnedBatch apply(DeviceBatch batch) throws Exception {
      long held = org.apache.spark.sql.util.ArrowUtils.rootAllocator().getAllocatedMemory();
      HIGHEST.accumulateAndGet(held, Math::max);
      return super.apply(batch);
    }
  }
}
