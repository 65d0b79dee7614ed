package io.arrowtensor.flink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.BatchFunction;
import io.arrowtensor.BatchSchema;
import io.arrowtensor.BatchSchema.Column;
import io.arrowtensor.Copy;
import io.arrowtensor.CopyReason;
import io.arrowtensor.DType;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.FileAccess;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.Nulls;
import io.arrowtensor.NullsException;
import io.arrowtensor.Options;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.UnsupportedTypeException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.table.data.RowData;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Elements that are batches already. */
@ExtendWith(NothingHeld.class)
class BatchInputTest {
  private static final BatchTypeInfo TYPE =
      BatchTypeInfo.of(
          BatchSchema.of(
              Column.scalar("a", DType.FLOAT32).withNullable(true),
              Column.tensor("v", DType.FLOAT32, 2L),
              Column.scalar("id", DType.INT64),
              Column.string("name")));

  private static OwnedBatch batch(float... a) {
    int rows = a.length;
    long[] ids = new long[rows];
    String[] names = new String[rows];
    for (int row = 0; row < rows; row++) {
      ids[row] = 10L + row;
      names[row] = "n" + row;
    }
    return SomeBatches.of(
        DeviceColumn.of("id", SomeBatches.longs(ids)),
        SomeBatches.strings("name", false, names),
        DeviceColumn.of("a", SomeBatches.floats(a)),
        DeviceColumn.of("v", SomeBatches.counting(DType.FLOAT32, 0, rows, 2)));
  }

  private static OwnedBatch withNulls(OwnedBatch batch) {
    List<DeviceColumn> columns = new ArrayList<>(batch.columns());
    columns.set(2, columns.get(2).withValidity(SomeBatches.mask((int) batch.rowCount())));
    return OwnedBatch.of(batch.rowCount(), columns);
  }

  /** Keeps the addresses that it got; gives its argument back, and twice its values. */
  private static final class Twice extends Sum {
    private static final long serialVersionUID = 1;
    static final AtomicReference<long[]> GOT = new AtomicReference<>(new long[0]);
    static final AtomicReference<DeviceArray> LENT = new AtomicReference<>();
    static final AtomicReference<String> OUTCOMES = new AtomicReference<>("");

    @Override
    public BatchSchema resultSchema(BatchSchema input, FileAccess files) {
      return BatchSchema.of(
          Column.scalar("twice", DType.FLOAT64), Column.scalar("same", DType.FLOAT32));
    }

    @Override
    public OwnedBatch apply(DeviceBatch batch) throws Exception {
      GOT.set(batch.columns().stream().mapToLong(column -> column.values().address()).toArray());
      LENT.set(batch.column(0).values());
      OUTCOMES.set(batch.column(0).values().outcome() + " " + batch.column(0).validity());
      try (OwnedBatch sums = super.apply(new DeviceBatch(batch.rowCount(), twice(batch)))) {
        return OwnedBatch.of(
            DeviceColumn.of("twice", DeviceArray.from(sums.column(0).values())),
            DeviceColumn.of("same", DeviceArray.from(batch.column(0).values())));
      }
    }

    private static List<DeviceColumn> twice(DeviceBatch batch) {
      return List.of(batch.column(0), batch.column(0));
    }
  }

  private static Harness<OwnedBatch, OwnedBatch> harness(
      Options options, BatchFunction function, String... kept) throws Exception {
    return Harness.open(
        TYPE, stream -> stream.columns("a").options(options).mapBatches(function, kept));
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 2})
  void aBatchIsScoredWhereItIsAndItsColumnsArePassedOnWithoutCopy(int inFlight) throws Exception {
    try (OwnedBatch batch = batch(1, 2, 3);
        Harness<OwnedBatch, OwnedBatch> harness =
            Harness.open(
                TYPE,
                stream ->
                    stream
                        .columns("a", "v")
                        .options(Options.defaults().withCopy(Copy.NEVER))
                        .inFlight(inFlight)
                        .mapBatches(new Twice(), "id", "name"))) {
      harness.send(batch, 77);
      harness.flink().prepareSnapshotPreBarrier(1);
      StreamRecord<?> element = (StreamRecord<?>) harness.emitted().get(0);
      assertThat(element.getTimestamp()).isEqualTo(77);
      try (OwnedBatch result = (OwnedBatch) element.getValue()) {
        assertThat(Twice.GOT.get())
            .containsExactly(
                batch.column("a").values().address(), batch.column("v").values().address());
        assertThat(result.columns())
            .extracting(DeviceColumn::name)
            .as("no column of timestamps, as no row has one")
            .containsExactly("twice", "same", "id", "name");
        assertThat(SomeBatches.numbers(result.column("twice").values())).containsExactly(2, 4, 6);
        for (String name : List.of("id", "name")) {
          assertThat(result.column(name).values().address())
              .isEqualTo(batch.column(name).values().address());
        }
        assertThat(result.column("same").values().address())
            .isEqualTo(batch.column("a").values().address());
      }
    }
  }

  /** At the start of a chain nobody else has an element, as it was read for this operator. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void behindTheNetworkTheElementIsClosedOnceItWasScored(boolean network) throws Exception {
    try (OwnedBatch batch = batch(1, 2, 3);
        Harness<OwnedBatch, OwnedBatch> harness =
            Harness.create(
                TYPE, new Configuration(), stream -> stream.columns("a").mapBatches(new Sum()))) {
      if (network) {
        harness.flink().getStreamConfig().setChainStart();
        harness.flink().getStreamConfig().serializeAllConfigs();
      }
      harness.flink().open();
      harness.send(batch, 0);
      assertThat(batch.column("a").values().isClosed()).isEqualTo(network);
      harness.values().forEach(OwnedBatch::close);
    }
  }

  @Test
  void whatTheFunctionGotIsGuardedAfterTheCall() throws Exception {
    try (OwnedBatch batch = batch(1);
        Harness<OwnedBatch, OwnedBatch> harness = harness(Options.defaults(), new Twice())) {
      harness.send(batch, 0);
      assertThatThrownBy(() -> Twice.LENT.get().address())
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("has ended: it borrowed its memory");
      assertThat(batch.column("a").values().isClosed()).as("others may have it too").isFalse();
      harness.values().forEach(OwnedBatch::close);
    }
  }

  /** Notes whether it may write to what it was lent. */
  private static final class Asking extends Sum {
    private static final long serialVersionUID = 1;
    static final AtomicReference<List<Boolean>> READ_ONLY = new AtomicReference<>(List.of());

    @Override
    public OwnedBatch apply(DeviceBatch batch) throws Exception {
      List<Boolean> answers = new ArrayList<>();
      for (DeviceColumn column : batch.columns()) {
        answers.add(column.values().isReadOnly());
      }
      READ_ONLY.set(answers);
      return super.apply(batch);
    }
  }

  @Test
  void aFunctionCannotWriteToAnElement() throws Exception {
    try (OwnedBatch batch = batch(1, 2);
        Harness<OwnedBatch, RowData> harness =
            Harness.open(TYPE, stream -> stream.columns("a", "v").map(new Asking()))) {
      assertThat(batch.column("a").values().isReadOnly()).as("to its maker").isFalse();
      harness.send(batch, 0);
      assertThat(Asking.READ_ONLY.get()).as("to the function").containsExactly(true, true);
    }
  }

  @Test
  void anOperatorAtTheHeadOfItsChainClosesItsElementsAndNothingOfOthers() throws Exception {
    Harness<OwnedBatch, OwnedBatch> harness =
        Harness.create(
            TYPE, new Configuration(), stream -> stream.columns("a").mapBatches(new Sum(), "id"));
    harness.flink().getStreamConfig().setChainStart();
    harness.flink().open();
    OwnedBatch batch = batch(1, 2);
    try (DeviceArray others = DeviceArray.from(batch.column("a").values())) {
      harness.send(batch, 0);
      assertThat(batch.columns())
          .as("what was read for this operator alone is closed")
          .allMatch(column -> column.values().isClosed());
      assertThat(SomeBatches.numbers(others)).as("held by others").containsExactly(1, 2);
      try (OwnedBatch result = harness.values().get(0)) {
        assertThat(SomeBatches.numbers(result.column("id").values())).containsExactly(10, 11);
      }
    }
    harness.kill();
  }

  @Test
  void anElementMayBeClosedByItsSenderWhileItIsScored() throws Exception {
    try (Harness<OwnedBatch, OwnedBatch> harness =
        Harness.open(TYPE, stream -> stream.columns("a").inFlight(1).mapBatches(new Twice()))) {
      OwnedBatch batch = batch(1, 2);
      harness.send(batch, 0);
      batch.close();
      harness.flink().prepareSnapshotPreBarrier(1);
      try (OwnedBatch result = harness.values().get(0)) {
        assertThat(SomeBatches.numbers(result.column("twice").values())).containsExactly(2, 4);
      }
    }
  }

  @Test
  void rowsOfABatchGetItsTimestampOrTheirOwn() throws Exception {
    try (Harness<OwnedBatch, RowData> harness =
            Harness.open(TYPE, stream -> stream.columns("a").map(new Sum()));
        OwnedBatch plain = batch(1, 2);
        OwnedBatch timed = timed(batch(3, 4, 5))) {
      harness.send(plain, 50).send(timed, 60);
      List<String> rows = new ArrayList<>();
      for (Object element : harness.emitted()) {
        StreamRecord<?> record = (StreamRecord<?>) element;
        rows.add(record.hasTimestamp() ? "" + record.getTimestamp() : "none");
      }
      assertThat(rows).containsExactly("50", "50", "8", "none", "9");
    }
  }

  private static OwnedBatch timed(OwnedBatch batch) {
    List<DeviceColumn> columns = new ArrayList<>(batch.columns());
    columns.add(
        DeviceColumn.of(TensorStream.ROW_TIME, SomeBatches.longs(8, 0, 9))
            .withValidity(SomeBatches.mask(3)));
    return OwnedBatch.of(batch.rowCount(), columns);
  }

  @Test
  void timestampsOfRowsArePassedOnWithoutCopy() throws Exception {
    try (Harness<OwnedBatch, OwnedBatch> harness = harness(Options.defaults(), new Twice());
        OwnedBatch timed = timed(batch(3, 4, 5))) {
      harness.send(timed, 60);
      try (OwnedBatch result = harness.values().get(0)) {
        assertThat(result.column(TensorStream.ROW_TIME).values().address())
            .isEqualTo(timed.column(TensorStream.ROW_TIME).values().address());
      }
    }
  }

  @Test
  void nullsAreHandledAsThePolicySays() throws Exception {
    try (OwnedBatch batch = withNulls(batch(1, 2, 3))) {
      assertThatThrownBy(() -> scored(batch, Nulls.REJECT))
          .hasMessageContaining(
              "Cannot hand out column 'a' with nulls: row 1 of the batch is the first; filter"
                  + " them out, or choose Options.withNulls(...)")
          .hasCauseInstanceOf(NullsException.class);
      assertThat(scored(batch, Nulls.fill(7))).isEqualTo("[2.0, 14.0, 6.0]");
      assertThat(Twice.OUTCOMES.get()).contains("NULL_FILL").endsWith(" null");
      assertThat(scored(batch, Nulls.ASSUME_NONE)).isEqualTo("[2.0, 4.0, 6.0]");
      assertThat(Twice.OUTCOMES.get()).startsWith("zero-copy").endsWith(" null");
      assertThat(scored(batch, Nulls.MASK)).isEqualTo("[2.0, 4.0, 6.0]");
      assertThat(Twice.OUTCOMES.get()).startsWith("zero-copy").contains("dtype=bool");
      assertThat(scored(batch, Nulls.PROPAGATE)).isEqualTo("[2.0, null, 6.0]");
      assertThat(SomeBatches.numbers(batch.column("a").values())).containsExactly(1, 2, 3);
    }
    try (OwnedBatch batch = batch(1, 2)) {
      assertThat(scored(batch, Nulls.fill(7))).isEqualTo("[2.0, 4.0]");
      assertThat(Twice.OUTCOMES.get()).as("nothing to fill").startsWith("zero-copy");
    }
  }

  private static String scored(OwnedBatch batch, Nulls nulls) throws Exception {
    Harness<OwnedBatch, OwnedBatch> harness =
        harness(Options.defaults().withNulls(nulls), new Twice());
    try {
      harness.send(batch, 0);
      try (OwnedBatch result = harness.values().get(0)) {
        List<String> texts = new ArrayList<>();
        DeviceColumn twice = result.column("twice");
        double[] numbers = SomeBatches.numbers(twice.values());
        for (int row = 0; row < numbers.length; row++) {
          boolean present = twice.validity() == null || twice.validity().byteBuffer().get(row) == 1;
          texts.add(present ? "" + numbers[row] : "null");
        }
        return texts.toString();
      }
    } finally {
      harness.kill();
    }
  }

  @Test
  void aBatchWithoutRowsIsNothingToScore() throws Exception {
    try (OwnedBatch empty = batch();
        Harness<OwnedBatch, OwnedBatch> harness = harness(Options.defaults(), new Twice())) {
      harness.send(empty, 0);
      harness.flink().processWatermark(new Watermark(1));
      assertThat(harness.emitted()).containsExactly(new Watermark(1));
    }
  }

  @Test
  void aBatchThatIsNotOfItsTypeFailsTheTask() throws Exception {
    Harness<OwnedBatch, OwnedBatch> harness = harness(Options.defaults(), new Twice());
    try (OwnedBatch other = SomeBatches.of(DeviceColumn.of("a", SomeBatches.longs(1)));
        OwnedBatch fewer = SomeBatches.of(DeviceColumn.of("b", SomeBatches.longs(1)))) {
      assertThatThrownBy(() -> harness.send(other, 0))
          .isInstanceOf(InterchangeException.class)
          .hasMessageContaining("Invalid element column 'a': DeviceArray(shape=(1), dtype=int64")
          .hasMessageContaining("is not the a: float32 nullable that the type of the stream");
      assertThatThrownBy(() -> harness.send(fewer, 0))
          .hasMessageContaining("Cannot find column 'a': the batch has [b]");
    }
    harness.kill();
  }

  @Test
  void whatCannotBeScoredIsRefusedWhileTheJobIsBuilt() {
    TensorStream<OwnedBatch> stream = Harness.stream(TYPE, new Configuration());
    assertThatThrownBy(() -> stream.columns("nowhere").map(new Sum()))
        .hasMessageContaining("Cannot find column 'nowhere': the input has [a, v, id, name]");
    assertThatThrownBy(() -> stream.columns("name").map(new Sum()))
        .isInstanceOf(InterchangeException.class)
        .hasCauseInstanceOf(UnsupportedTypeException.class)
        .hasMessageContaining("Cannot use column 'name: string' as a tensor");
    assertThatThrownBy(() -> stream.columns("a").map(new Sum(), (batch, row) -> row.getDouble(0)))
        .hasMessage(
            "Cannot join batches with rows of results: keep columns of theirs beside the results"
                + " with mapBatches(function, names), or take the results alone with"
                + " map(function)");
    TensorStream<OwnedBatch> unknown = Harness.stream(BatchTypeInfo.unknown(), new Configuration());
    assertThatThrownBy(() -> unknown.columns("a").map(new Sum()))
        .hasMessageContaining(
            "Cannot read columns of batches whose schema is not known: name it with"
                + " returns(BatchTypeInfo.of(schema))");
  }

  @Test
  void aCopyForNullsIsRefusedWhereCopiesAre() throws Exception {
    Options options = Options.defaults().withNulls(Nulls.fill(0)).withCopy(Copy.NEVER);
    Harness<OwnedBatch, OwnedBatch> harness = harness(options, new Twice());
    try (OwnedBatch batch = withNulls(batch(1, 2))) {
      assertThatThrownBy(() -> harness.send(batch, 0))
          .hasMessageContaining("a copy is needed (" + CopyReason.NULL_FILL + ")");
    }
    harness.kill();
  }
}
