package io.arrowtensor.flink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.BatchContext;
import io.arrowtensor.BatchSchema;
import io.arrowtensor.Copy;
import io.arrowtensor.Device;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.FileAccess;
import io.arrowtensor.Lifetime;
import io.arrowtensor.Nulls;
import io.arrowtensor.Options;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.Storage;
import io.arrowtensor.dlpack.Dlpack;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.table.data.RowData;
import org.apache.flink.types.Row;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Who opens, closes and frees what, also when something fails. */
@ExtendWith(NothingHeld.class)
class LifetimeTest {
  private static final TypeInformation<Event> TYPE = TypeInformation.of(Event.class);

  /** What happened to the function of the harness, which runs on this thread. */
  private static final ThreadLocal<List<String>> LOG = ThreadLocal.withInitial(ArrayList::new);

  private static class Logging extends Sum {
    private static final long serialVersionUID = 1;
    private final String failing;

    Logging(String failing) {
      this.failing = failing;
    }

    private void log(String what) {
      LOG.get().add(what);
      if (what.equals(failing)) {
        throw new IllegalStateException("planned in " + what);
      }
    }

    @Override
    public void open(BatchContext context) throws Exception {
      super.open(context);
      log("open");
    }

    @Override
    public OwnedBatch apply(DeviceBatch batch) throws Exception {
      log("apply");
      return super.apply(batch);
    }

    @Override
    public void close() {
      log("close");
    }
  }

  @BeforeEach
  void forget() {
    LOG.remove();
  }

  private static Harness<Event, Double> harness(Sum function, Configuration configuration)
      throws Exception {
    return Harness.create(
        TYPE,
        configuration,
        stream ->
            stream
                .columns("a", "b")
                .maxRows(2)
                .map(function, (event, result) -> result.getDouble(0)));
  }

  @Test
  void aFunctionIsOpenedAndClosedOnce() throws Exception {
    try (Harness<Event, Double> harness = harness(new Logging(""), new Configuration())) {
      harness.flink().open();
      harness.send(Event.of(1), 0).send(Event.of(2), 0).send(Event.of(3), 0);
    }
    assertThat(LOG.get()).as("calls").containsExactly("open", "apply", "apply", "close");
  }

  @Test
  void aFunctionThatCannotBeOpenedIsClosedToo() throws Exception {
    Harness<Event, Double> harness = harness(new Logging("open"), new Configuration());
    assertThatThrownBy(() -> harness.flink().open()).hasMessageContaining("planned in open");
    harness.kill();
    assertThat(LOG.get()).as("calls").containsExactly("open", "close");
  }

  @Test
  void aFunctionThatFailsNamesItsBatchAndFreesAll() throws Exception {
    Harness<Event, Double> harness = harness(new Logging("apply"), new Configuration());
    harness.flink().open();
    harness.send(Event.of(1), 0);
    assertThatThrownBy(() -> harness.send(Event.of(2), 0))
        .hasMessageStartingWith("Cannot score batch 0 of ")
        .hasMessageEndingWith(
            "rows 0 to 1 of this attempt, with Logging(a, b): java.lang.IllegalStateException:"
                + " planned in apply");
    harness.kill();
    assertThat(LOG.get()).as("calls").containsExactly("open", "apply", "close");
  }

  @Test
  void aFunctionThatCannotBeClosedFreesAll() throws Exception {
    Harness<Event, Double> harness = harness(new Logging("close"), new Configuration());
    harness.flink().open();
    assertThatThrownBy(harness::kill).hasMessageContaining("planned in close");
  }

  @Test
  void aBatchThatDoesNotFitTheLimitIsRefusedAndNothingIsHeld() throws Exception {
    Configuration configuration = new Configuration();
    configuration.set(TensorSettings.TASK_MEMORY, new MemorySize(64));
    Harness<Event, Double> harness = harness(new Sum(), configuration);
    assertThatThrownBy(() -> harness.flink().open())
        .isInstanceOf(org.apache.arrow.memory.OutOfMemoryException.class);
    harness.kill();
  }

  /** Text of 100 rows: a mask of 100 bytes, positions of 404, and 1,600 for the characters. */
  @ParameterizedTest
  @ValueSource(ints = {50, 300, 1000})
  void soIsOneOfWhichOnlySomePartsFit(int limit) throws Exception {
    Configuration configuration = new Configuration();
    configuration.set(TensorSettings.TASK_MEMORY, new MemorySize(limit));
    Options options = Options.defaults().withStorage(Storage.AS_BYTES).withNulls(Nulls.MASK);
    Harness<Row, RowData> harness =
        Harness.create(
            Types.ROW_NAMED(new String[] {"x"}, Types.STRING),
            configuration,
            stream -> stream.columns("x").maxRows(100).options(options).map(new Sum()));
    assertThatThrownBy(() -> harness.flink().open())
        .isInstanceOf(org.apache.arrow.memory.OutOfMemoryException.class);
    harness.kill();
  }

  /** Keeps an export of every batch. */
  private static final class Exporting extends Sum {
    private static final long serialVersionUID = 1;
    static final ThreadLocal<List<Long>> STRUCTS = ThreadLocal.withInitial(ArrayList::new);

    @Override
    public OwnedBatch apply(DeviceBatch batch) throws Exception {
      STRUCTS
          .get()
          .add(
              Dlpack.export(
                  batch.column(1).values(), Options.defaults().withAllocator(context.allocator())));
      return super.apply(batch);
    }
  }

  @Test
  void anExportOutlivesItsBatchAndItsTask() throws Exception {
    Exporting.STRUCTS.remove();
    try (Harness<Event, Double> harness = harness(new Exporting(), new Configuration())) {
      harness.flink().open();
      for (int id = 1; id <= 4; id++) {
        harness.send(new Event(id, id, 10 * id), 0);
      }
    }
    assertThat(Exporting.STRUCTS.get()).as("exports").hasSize(2);
    double next = 10;
    for (long struct : Exporting.STRUCTS.get()) {
      try (DeviceArray array = DeviceArray.from(Dlpack.take(struct))) {
        assertThat(Sum.at(array, 0)).as("first of the batch").isEqualTo(next);
        assertThat(Sum.at(array, 1)).as("second of the batch").isEqualTo(next + 10);
        next += 20;
      }
    }
  }

  /** Fails while an export is alive, which is released when the task waits for it or goes on. */
  private static final class FailingExporter extends Sum {
    private static final long serialVersionUID = 1;
    static final AtomicBoolean GOES_ON = new AtomicBoolean();
    static final AtomicReference<String> RELEASED = new AtomicReference<>("never");
    private final boolean failsInResults;

    FailingExporter(boolean failsInResults) {
      this.failsInResults = failsInResults;
    }

    @Override
    public OwnedBatch apply(DeviceBatch batch) throws Exception {
      Options shared = Options.defaults().withLifetime(Lifetime.SCOPE).withCopy(Copy.NEVER);
      releaseLater(Dlpack.export(batch.column(1).values(), shared), Thread.currentThread());
      if (failsInResults) {
        return OwnedBatch.of(DeviceColumn.of("y", SomeBatches.longs(1, 2))); // not as promised
      }
      throw new IllegalStateException("planned");
    }

    private static void releaseLater(long struct, Thread task) {
      new Thread(
              () -> {
                while (task.getState() != Thread.State.TIMED_WAITING && !GOES_ON.get()) {
                  Thread.onSpinWait();
                }
                RELEASED.set(GOES_ON.get() ? "after the task went on" : "while the task waited");
                Dlpack.delete(struct);
              })
          .start();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aCallThatFailedWaitsForItsExports(boolean failsInResults) throws Exception {
    FailingExporter.GOES_ON.set(false);
    FailingExporter.RELEASED.set("never");
    Harness<Event, Double> harness =
        harness(new FailingExporter(failsInResults), new Configuration());
    harness.flink().open();
    harness.send(Event.of(1), 0);
    assertThatThrownBy(() -> harness.send(Event.of(2), 0))
        .hasMessageStartingWith("Cannot score batch 0 of ");
    FailingExporter.GOES_ON.set(true);
    Cluster.await("the release", () -> !FailingExporter.RELEASED.get().equals("never"));
    harness.kill();
    assertThat(FailingExporter.RELEASED).as("released").hasValue("while the task waited");
  }

  /** Reads a file while the job is built, and again in the task. */
  private static final class Reading extends Sum {
    private static final long serialVersionUID = 1;
    private final URI model;

    Reading(Path model) {
      this.model = model.toUri();
    }

    @Override
    public BatchSchema resultSchema(BatchSchema input, FileAccess files) {
      try {
        files.localCopy(model);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      return super.resultSchema(input, files);
    }

    @Override
    public void open(BatchContext context) throws Exception {
      super.open(context);
      context.localCopy(model);
    }
  }

  @Test
  void aTaskWithAnotherFileThanTheClientIsRefused(@TempDir Path folder) throws Exception {
    Path model = Files.writeString(folder.resolve("model"), "one");
    try (Harness<Event, Double> same = harness(new Reading(model), new Configuration())) {
      same.flink().open();
    }
    Harness<Event, Double> other = harness(new Reading(model), new Configuration());
    Files.writeString(model, "other");
    assertThatThrownBy(() -> other.flink().open())
        .isInstanceOf(IOException.class)
        .hasMessageContaining("Invalid copy of " + model.toUri() + ": 5 bytes with SHA-256 ")
        .hasMessageContaining("where the job was built there were 3 bytes with SHA-256 ");
    other.kill();
  }

  /** Tells what its context offers. */
  private static final class Asking extends Sum {
    private static final long serialVersionUID = 1;
    static final ThreadLocal<BatchContext> CONTEXT = new ThreadLocal<>();

    @Override
    public void open(BatchContext context) throws Exception {
      super.open(context);
      CONTEXT.set(context);
    }
  }

  @Test
  void theContextTellsTheSubtaskAndBringsFiles(@TempDir Path folder) throws Exception {
    try (Harness<Event, Double> harness = harness(new Asking(), new Configuration())) {
      harness.flink().open();
      BatchContext context = Asking.CONTEXT.get();
      assertThat(context.task()).as("task").endsWith("attempt 0");
      assertThat(context.threads()).as("threads").isPositive();
      assertThat(context.device()).as("no device is assigned").isEqualTo(Device.CPU);
      assertThat(context.cancelled()).as("cancelled").isFalse();
      Path file = Files.writeString(folder.resolve("model"), "m");
      assertThat(context.localCopy(file.toUri())).as("a local file").isEqualTo(file);
      URI missing = folder.resolve("missing").toUri();
      assertThatThrownBy(() -> context.localCopy(missing))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("Cannot read " + missing);
    }
  }
}
