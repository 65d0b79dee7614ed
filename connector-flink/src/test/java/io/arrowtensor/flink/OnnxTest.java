package io.arrowtensor.flink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.arrowtensor.BatchContext;
import io.arrowtensor.BatchFunction;
import io.arrowtensor.BatchSchema;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.FileAccess;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.Nulls;
import io.arrowtensor.Options;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.Storage;
import io.arrowtensor.engine.OnnxFunction;
import io.arrowtensor.flink.file.ParquetFiles;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Semaphore;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.JoinFunction;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.file.src.FileSource;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.runtime.typeutils.InternalTypeInfo;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.types.Row;
import org.apache.flink.util.Collector;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** ONNX Runtime behind a stream gives what ONNX Runtime alone gives. */
@ExtendWith(NothingHeld.class)
@Timeout(120)
class OnnxTest {
  @RegisterExtension static final Cluster CLUSTER = new Cluster();

  private static final TypeInformation<Flight> POJO = TypeInformation.of(Flight.class);
  private static final InternalTypeInfo<RowData> ROW =
      InternalTypeInfo.of(
          (RowType)
              DataTypes.ROW(
                      DataTypes.FIELD("delay", DataTypes.BIGINT().notNull()),
                      DataTypes.FIELD("distance", DataTypes.BIGINT()))
                  .getLogicalType());

  /** The first flights of the repository's data. */
  private static List<Flight> flights(int rows) throws Exception {
    URI file = PlainOnnx.DELAY.resolveSibling("../data/flights.parquet").normalize().toUri();
    org.apache.flink.core.fs.Path input = new org.apache.flink.core.fs.Path(file);
    StreamExecutionEnvironment environment = StreamExecutionEnvironment.createLocalEnvironment(1);
    return environment
        .fromSource(
            FileSource.forBulkFileFormat(ParquetFiles.read(input, "delay", "distance"), input)
                .build(),
            WatermarkStrategy.noWatermarks(),
            "flights")
        .flatMap(OnnxTest::split)
        .returns(POJO)
        .executeAndCollect(rows);
  }

  private static void split(OwnedBatch batch, Collector<Flight> flights) {
    try (batch) {
      DeviceArray delays = batch.column("delay").values();
      DeviceArray distances = batch.column("distance").values();
      for (long i = 0; i < batch.rowCount(); i++) {
        flights.collect(new Flight((long) Sum.at(delays, i), (long) Sum.at(distances, i)));
      }
    }
  }

  private static RowData row(Flight flight) {
    return GenericRowData.of(flight.delay, flight.distance);
  }

  private static OnnxFunction model(Path path) {
    return OnnxFunction.of(path.toUri());
  }

  /** The job's results in order, from a cluster of their own. */
  private static <T> double[] scores(
      TypeInformation<T> type, List<T> elements, Path model, int inFlight) throws Exception {
    StreamExecutionEnvironment environment = StreamExecutionEnvironment.createLocalEnvironment(1);
    DataStream<T> stream = environment.fromData(elements, type);
    List<Double> scores =
        TensorStream.of(stream)
            .columns("delay", "distance")
            .maxRows(100)
            .inFlight(inFlight)
            .maxDelay(Duration.ofHours(1))
            .map(model(model), (element, result) -> (double) result.getFloat(0))
            .executeAndCollect(elements.size() + 1);
    return scores.stream().mapToDouble(Double::doubleValue).toArray();
  }

  @ParameterizedTest
  @CsvSource({"false, 0", "false, 2", "true, 0", "true, 2"})
  void jobsScoreAsOnnxRuntimeDoes(boolean rows, int inFlight) throws Exception {
    List<Flight> flights = flights(1950); // not a multiple of a batch
    double[] expected = PlainOnnx.scores(flights);
    for (Path model : List.of(PlainOnnx.DELAY, PlainOnnx.DELAY_MATRIX)) {
      double[] scores =
          rows
              ? scores(ROW, flights.stream().map(OnnxTest::row).toList(), model, inFlight)
              : scores(POJO, flights, model, inFlight);
      assertThat(scores).as("scores of %s", model).containsExactly(expected, within(1e-6));
    }
  }

  /** Scores {@code elements} in one batch, in Flink's harness. */
  private static <T> List<String> results(
      TypeInformation<T> type,
      OnnxFunction model,
      Options options,
      List<T> elements,
      JoinFunction<T, RowData, String> join,
      String... columns)
      throws Exception {
    try (Harness<T, String> harness =
        Harness.open(
            type,
            stream ->
                stream
                    .columns(columns)
                    .options(options)
                    .maxRows(elements.size())
                    .map(model, join))) {
      for (T element : elements) {
        harness.send(element, 0);
      }
      return harness.values();
    }
  }

  private static List<String> delays(Nulls nulls, Flight... flights) throws Exception {
    return results(
        POJO,
        model(PlainOnnx.DELAY),
        Options.defaults().withNulls(nulls),
        List.of(flights),
        (flight, result) -> result.isNullAt(0) ? "null" : Float.toString(result.getFloat(0)),
        "delay",
        "distance");
  }

  private static String score(Flight flight) throws Exception {
    return Float.toString((float) PlainOnnx.scores(List.of(flight))[0]);
  }

  @Test
  void nullsAreWhatTheOptionsSay() throws Exception {
    Flight known = new Flight(30, 1000L);
    Flight unknown = new Flight(30, null);
    assertThat(delays(Nulls.PROPAGATE, known, unknown))
        .as("null in, null out")
        .containsExactly(score(known), "null");
    assertThat(delays(Nulls.fill(0), known, unknown))
        .as("null is 0")
        .containsExactly(score(known), score(new Flight(30, 0L)));
    assertThatThrownBy(() -> delays(Nulls.REJECT, known, unknown))
        .isInstanceOf(InterchangeException.class)
        .hasMessageContaining("for OnnxFunction(" + PlainOnnx.DELAY.toUri())
        .hasMessageContaining("field 'distance' with nulls: row 1 of the batch is the first");
    assertThatThrownBy(() -> delays(Nulls.MASK, known))
        .hasMessageContaining("it does not read the mask that Nulls.MASK hands out");
  }

  @Test
  void modelsWithSeveralOutputsAndWithTextGiveRowsOfThem() throws Exception {
    TypeInformation<Row> numbers =
        Types.ROW_NAMED(new String[] {"a", "b"}, Types.FLOAT, Types.LONG);
    assertThat(
            results(
                numbers,
                model(PlainOnnx.MODELS.resolve("two_outputs.onnx")),
                Options.defaults(),
                List.of(Row.of(1.5f, 2L), Row.of(3f, 1L)),
                (element, result) -> result.getDouble(0) + " " + result.getBoolean(1),
                "a",
                "b"))
        .as("sum, and whether a is larger")
        .containsExactly("3.5 false", "4.0 true");
    assertThat(
            results(
                Types.ROW_NAMED(new String[] {"x"}, Types.STRING),
                model(PlainOnnx.MODELS.resolve("identity_string.onnx")),
                Options.defaults().withStorage(Storage.AS_BYTES),
                List.of(Row.of("Zürich"), Row.of("")),
                (element, result) -> result.getString(0).toString(),
                "x"))
        .as("text")
        .containsExactly("Zürich", "");
  }

  @Test
  void modelsThatAreNotThereOrDoNotFitAreRefusedWhenTheJobIsBuilt() {
    TensorStream<Flight> stream = Harness.stream(POJO, new Configuration());
    URI missing = URI.create("file:///no/such/model.onnx");
    assertThatThrownBy(() -> stream.columns("delay", "distance").map(OnnxFunction.of(missing)))
        .isInstanceOf(InterchangeException.class)
        .hasMessageStartingWith("Cannot call OnnxFunction(" + missing + ")(delay, distance): ")
        .hasMessageContaining("there is no such file on this machine (/no/such/model.onnx)");
    assertThatThrownBy(() -> stream.columns("delay").map(model(PlainOnnx.DELAY)))
        .isInstanceOf(InterchangeException.class)
        .hasMessageContaining("distance");
    assertThatThrownBy(
            () ->
                stream
                    .columns("delay", "distance")
                    .map(model(PlainOnnx.MODELS.resolve("corrupt.onnx"))))
        .isInstanceOf(InterchangeException.class)
        .hasMessageContaining("corrupt.onnx");
  }

  @Test
  void aTaskRefusesAnotherModelThanTheClientRead(@TempDir Path folder) throws Exception {
    Path copy = Files.copy(PlainOnnx.DELAY, folder.resolve("model.onnx"));
    Harness<Flight, RowData> harness =
        Harness.create(
            POJO,
            new Configuration(),
            stream -> stream.columns("delay", "distance").map(model(copy)));
    Files.copy(PlainOnnx.MODELS.resolve("add.onnx"), copy, StandardCopyOption.REPLACE_EXISTING);
    assertThatThrownBy(() -> harness.flink().open())
        .hasStackTraceContaining("Invalid copy of " + copy.toUri() + ": 130 bytes with SHA-256 ")
        .hasStackTraceContaining("where the job was built there were 25557 bytes with SHA-256 ");
    harness.kill();
  }

  /** A model that would run for hours ends inside of ONNX Runtime. */
  @ParameterizedTest
  @ValueSource(ints = {0, 3})
  void aCancelledJobEndsARunningModel(int inFlight) throws Exception {
    StreamExecutionEnvironment environment = StreamExecutionEnvironment.createLocalEnvironment(1);
    TensorStream.of(environment.fromData(POJO, new Flight(1_000_000_000_000L, 0L)))
        .columns("delay")
        .maxRows(1)
        .inFlight(inFlight)
        .map(new Announced(model(PlainOnnx.MODELS.resolve("slow.onnx"))))
        .sinkTo(new DiscardingSink<>());
    Cluster.Job job = CLUSTER.start(environment);
    Announced.CALLS.acquire();
    long start = System.nanoTime();
    job.cancel();
    assertThat(Duration.ofNanos(System.nanoTime() - start))
        .as("from the cancel to the job's end")
        .isLessThan(Duration.ofSeconds(5));
  }

  /** Tells the test when a batch goes to the model. */
  private record Announced(OnnxFunction model) implements BatchFunction {
    static final Semaphore CALLS = new Semaphore(0);

    @Override
    public BatchSchema resultSchema(BatchSchema input, FileAccess files) {
      return model.resultSchema(input, files);
    }

    @Override
    public void open(BatchContext context) {
      model.open(context);
    }

    @Override
    public OwnedBatch apply(DeviceBatch batch) {
      CALLS.release();
      return model.apply(batch);
    }

    @Override
    public void close() {
      model.close();
    }
  }
}
