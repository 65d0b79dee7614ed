package io.arrowtensor.flink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.BatchFunction;
import io.arrowtensor.BatchSchema;
import io.arrowtensor.BatchSchema.Column;
import io.arrowtensor.ColumnKind;
import io.arrowtensor.CopyReason;
import io.arrowtensor.DType;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.FileAccess;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.Nulls;
import io.arrowtensor.Options;
import io.arrowtensor.OwnedBatch;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.flink.api.common.eventtime.TimestampAssigner;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.types.Row;
import org.apache.flink.types.RowKind;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Results of whole batches as elements. */
@ExtendWith(NothingHeld.class)
class BatchOutputTest {
  private static final TypeInformation<Event> EVENTS = TypeInformation.of(Event.class);

  private static Harness<Event, OwnedBatch> harness(BatchFunction function, String... kept)
      throws Exception {
    return Harness.open(
        EVENTS, stream -> stream.columns("a", "b").maxRows(3).mapBatches(function, kept));
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 2})
  void aBatchIsOneElementWithTheLatestOfItsTimestampsAndAllOfThemInside(int inFlight)
      throws Exception {
    List<OwnedBatch> batches;
    try (Harness<Event, OwnedBatch> harness =
        Harness.open(
            EVENTS,
            stream ->
                stream.columns("a", "b").maxRows(3).inFlight(inFlight).mapBatches(new Sum()))) {
      harness.send(Event.of(1), 100).send(Event.of(2), 300).send(Event.of(3), 200);
      harness.send(Event.of(4), 50);
      harness.flink().processWatermark(Watermark.MAX_WATERMARK);
      List<Object> emitted = harness.emitted();
      assertThat(emitted).hasSize(3);
      assertThat(timestamp(emitted.get(0))).isEqualTo(300);
      assertThat(timestamp(emitted.get(1))).isEqualTo(50);
      assertThat(emitted.get(2)).isEqualTo(Watermark.MAX_WATERMARK);
      batches = List.of(batch(emitted.get(0)), batch(emitted.get(1)));
    }
    assertThat(numbers(batches.get(0), "y")).as("after the task").containsExactly(3, 6, 9);
    assertThat(numbers(batches.get(0), TensorStream.ROW_TIME)).containsExactly(100, 300, 200);
    assertThat(numbers(batches.get(1), "y")).containsExactly(12);
    batches.forEach(OwnedBatch::close);
  }

  private static OwnedBatch batch(Object element) {
    return (OwnedBatch) ((StreamRecord<?>) element).getValue();
  }

  private static long timestamp(Object element) {
    return ((StreamRecord<?>) element).getTimestamp();
  }

  private static double[] numbers(OwnedBatch batch, String column) {
    return SomeBatches.numbers(batch.column(column).values());
  }

  @Test
  void rowsWithoutTimestampsMakeABatchWithoutThem() throws Exception {
    try (Harness<Event, OwnedBatch> harness = harness(new Sum())) {
      for (int id = 0; id < 3; id++) {
        harness.flink().processElement(new StreamRecord<>(Event.of(id)));
      }
      StreamRecord<?> element = (StreamRecord<?>) harness.emitted().get(0);
      assertThat(element.hasTimestamp()).isFalse();
      try (OwnedBatch batch = batch(element)) {
        assertThat(batch.columns()).extracting(DeviceColumn::name).containsExactly("y");
      }
    }
  }

  /** One stream has one schema: its sinks take no other. */
  @Test
  void rowsOfASourceWithoutEventTimeKeepWhatItGivesThem() throws Exception {
    try (Harness<Event, OwnedBatch> harness = harness(new Sum())) {
      for (int id = 0; id < 3; id++) {
        harness.send(Event.of(id), TimestampAssigner.NO_TIMESTAMP);
      }
      harness.send(Event.of(3), TimestampAssigner.NO_TIMESTAMP);
      harness.send(Event.of(4), 70);
      harness.send(Event.of(5), 60);
      List<Object> emitted = harness.emitted();
      Object without = emitted.get(0);
      assertThat(timestamp(without)).isEqualTo(TimestampAssigner.NO_TIMESTAMP);
      Object mixed = emitted.get(1);
      assertThat(timestamp(mixed)).isEqualTo(70);
      try (OwnedBatch first = batch(without);
          OwnedBatch second = batch(mixed)) {
        assertThat(first.schema()).isEqualTo(second.schema());
        assertThat(numbers(first, TensorStream.ROW_TIME)).containsOnly(Long.MIN_VALUE);
        assertThat(numbers(second, TensorStream.ROW_TIME)).containsExactly(Long.MIN_VALUE, 70, 60);
      }
    }
  }

  @Test
  void aRowWithoutTimestampAmongOthersHasANullThere() throws Exception {
    try (Harness<Event, OwnedBatch> harness = harness(new Sum())) {
      harness.send(Event.of(1), -5);
      harness.flink().processElement(new StreamRecord<>(Event.of(2)));
      harness.send(Event.of(3), -7);
      Object element = harness.emitted().get(0);
      assertThat(timestamp(element)).isEqualTo(-5);
      try (OwnedBatch batch = batch(element)) {
        assertThat(present(batch.column(TensorStream.ROW_TIME))).containsExactly(1, 0, 1);
      }
    }
  }

  private static byte[] present(DeviceColumn column) {
    byte[] present = new byte[(int) column.rowCount()];
    column.validity().byteBuffer().get(present);
    return present;
  }

  @Test
  void keptFieldsStandBehindTheResultsAsTheyAre() throws Exception {
    TypeInformation<Row> rows =
        Types.ROW_NAMED(new String[] {"x", "id", "name"}, Types.DOUBLE, Types.LONG, Types.STRING);
    try (Harness<Row, OwnedBatch> harness =
        Harness.open(
            rows,
            stream ->
                stream
                    .columns("x")
                    .options(Options.defaults().withNulls(Nulls.fill(9)))
                    .maxRows(2)
                    .mapBatches(new Sum(), "id", "name", "x"))) {
      harness.send(Row.of(null, 7L, "seven"), 0).send(Row.of(1.0, null, "ä"), 0);
      try (OwnedBatch batch = harness.values().get(0)) {
        assertThat(batch.columns())
            .extracting(DeviceColumn::name)
            .containsExactly("y", "id", "name", "x", TensorStream.ROW_TIME);
        assertThat(numbers(batch, "y")).as("nulls filled").containsExactly(9, 1);
        assertThat(present(batch.column("id"))).as("nulls kept").containsExactly(1, 0);
        assertThat(present(batch.column("x"))).containsExactly(0, 1);
        DeviceColumn names = batch.column("name");
        assertThat(names.kind()).isEqualTo(ColumnKind.STRING);
        byte[] text = new byte[(int) names.values().size()];
        names.values().byteBuffer().get(text);
        assertThat(new String(text, StandardCharsets.UTF_8)).isEqualTo("sevenä");
        assertThat(batch.column("id").values().outcome().reason()).isEqualTo(CopyReason.BORROWED);
      }
    }
  }

  @Test
  void theTypeNamesResultsAndKeptFields() {
    assertThat(
            Harness.stream(EVENTS, new org.apache.flink.configuration.Configuration())
                .columns("a")
                .mapBatches(new Sum(), "id")
                .getType())
        .isEqualTo(
            BatchTypeInfo.of(
                BatchSchema.of(
                    Column.scalar("y", DType.FLOAT64), Column.scalar("id", DType.INT64))));
  }

  @Test
  void nullsPropagateIntoTheBatch() throws Exception {
    TypeInformation<Row> rows = Types.ROW_NAMED(new String[] {"x"}, Types.DOUBLE);
    try (Harness<Row, OwnedBatch> harness =
        Harness.open(
            rows,
            stream ->
                stream
                    .columns("x")
                    .options(Options.defaults().withNulls(Nulls.PROPAGATE))
                    .maxRows(3)
                    .mapBatches(new Sum()))) {
      harness.send(Row.of(1.0), 0).send(Row.of((Object) null), 0).send(Row.of(2.0), 0);
      try (OwnedBatch batch = harness.values().get(0)) {
        assertThat(present(batch.column("y"))).containsExactly(1, 0, 1);
      }
    }
  }

  @Test
  void aChangeThatIsNoInsertIsRefused() throws Exception {
    TypeInformation<Row> rows = Types.ROW_NAMED(new String[] {"x"}, Types.DOUBLE);
    Harness<Row, OwnedBatch> harness =
        Harness.open(rows, stream -> stream.columns("x").maxRows(2).mapBatches(new Sum()));
    harness.send(Row.of(1.0), 0);
    assertThatThrownBy(() -> harness.send(Row.ofKind(RowKind.UPDATE_AFTER, 2.0), 0))
        .isInstanceOf(InterchangeException.class)
        .hasMessageContaining(
            "Cannot put an UPDATE_AFTER into a batch (row 1): batches are insert-only; use"
                + " map(function), whose rows keep their kind, or make an insert-only stream"
                + " first");
    harness.kill();
  }

  @Test
  void twoColumnsOfOneNameAreRefused() {
    TensorStream<Event> stream =
        Harness.stream(EVENTS, new org.apache.flink.configuration.Configuration()).columns("a");
    assertThatThrownBy(() -> stream.mapBatches(new Sum("id"), "id"))
        .isInstanceOf(InterchangeException.class)
        .hasMessageContaining("two columns are called 'id'; rename one");
    assertThatThrownBy(() -> stream.mapBatches(new Sum(), "nowhere"))
        .isInstanceOf(InterchangeException.class)
        .hasMessageContaining("Cannot find field 'nowhere'");
  }

  private static final class Lying extends Sum {
    private static final long serialVersionUID = 1;

    @Override
    public BatchSchema resultSchema(BatchSchema input, FileAccess files) {
      return BatchSchema.of(Column.scalar("y", DType.FLOAT32));
    }
  }

  /** Returns memory of its own, and what it got. */
  private static final class Addresses extends Sum {
    private static final long serialVersionUID = 1;
    static final AtomicLong RESULT = new AtomicLong();
    static final AtomicLong ARGUMENT = new AtomicLong();

    @Override
    public BatchSchema resultSchema(BatchSchema input, FileAccess files) {
      return BatchSchema.of(
          Column.scalar("y", DType.FLOAT64), Column.scalar("same", DType.FLOAT64));
    }

    @Override
    public OwnedBatch apply(DeviceBatch batch) throws Exception {
      DeviceArray sums = result(batch.rowCount());
      DeviceArray argument = batch.column("b").array();
      RESULT.set(sums.address());
      ARGUMENT.set(argument.address());
      return OwnedBatch.of(
          DeviceColumn.of("any name", sums), DeviceColumn.of("same", DeviceArray.from(argument)));
    }
  }

  @Test
  void whatTheFunctionOwnsIsPassedOnAndWhatItWasLentIsCopied() throws Exception {
    try (Harness<Event, OwnedBatch> harness = harness(new Addresses())) {
      for (int id = 0; id < 3; id++) {
        harness.send(Event.of(id), 0);
      }
      try (OwnedBatch batch = harness.values().get(0)) {
        assertThat(batch.column("y").values().address()).isEqualTo(Addresses.RESULT.get());
        assertThat(batch.column("same").values().address()).isNotEqualTo(Addresses.ARGUMENT.get());
        assertThat(batch.column("same").values().outcome().reason()).isEqualTo(CopyReason.BORROWED);
        for (int id = 3; id < 6; id++) {
          harness.send(Event.of(id), 0); // into the memory that was lent
        }
        assertThat(numbers(batch, "same")).containsExactly(0, 2, 4);
        harness.values().forEach(OwnedBatch::close);
      }
    }
  }

  @Test
  void resultsThatWereNotPromisedFailTheTaskAndAreFreed() throws Exception {
    Harness<Event, OwnedBatch> harness = harness(new Lying());
    harness.send(Event.of(1), 0).send(Event.of(2), 0);
    assertThatThrownBy(() -> harness.send(Event.of(3), 0))
        .isInstanceOf(InterchangeException.class)
        .hasMessageContaining("Invalid result column 'y': DeviceArray(shape=(3), dtype=float64")
        .hasMessageContaining("is not the y: float32 that resultSchema promised");
    harness.kill();
  }
}
