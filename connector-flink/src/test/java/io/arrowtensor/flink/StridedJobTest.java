package io.arrowtensor.flink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.BatchSchema;
import io.arrowtensor.DType;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.FileAccess;
import io.arrowtensor.OwnedBatch;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.binary.BinaryRowData;
import org.apache.flink.table.data.writer.BinaryRowWriter;
import org.apache.flink.table.runtime.typeutils.InternalTypeInfo;
import org.apache.flink.table.types.logical.BigIntType;
import org.apache.flink.table.types.logical.DoubleType;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.types.RowKind;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Functions that read strides in the operator and in jobs, with the rows that Flink makes. */
@ExtendWith(NothingHeld.class)
@Timeout(120)
class StridedJobTest {
  /** An id and two numbers. */
  private static final RowType TYPE =
      SomeRows.type(3, c -> c == 0 ? new BigIntType(false) : new DoubleType(false));

  private static final TypeInformation<RowData> INFO = InternalTypeInfo.of(TYPE);

  /** Fails where columns do not lie in rows of two slots. */
  private static class Strided extends Sum {
    private static final long serialVersionUID = 1;

    @Override
    public boolean readsStrides() {
      return true;
    }

    @Override
    public OwnedBatch apply(DeviceBatch batch) throws Exception {
      for (DeviceColumn column : batch.columns()) {
        assertThat(column.array().strides()).as("strides").containsExactly(2);
      }
      return super.apply(batch);
    }
  }

  /** Gives back its first argument as it is. */
  private static final class Same extends Strided {
    private static final long serialVersionUID = 1;

    @Override
    public BatchSchema resultSchema(BatchSchema input, FileAccess files) {
      return BatchSchema.of(BatchSchema.Column.scalar("same", DType.FLOAT64));
    }

    @Override
    public OwnedBatch apply(DeviceBatch batch) {
      return OwnedBatch.of(batch.rowCount(), List.of(batch.column(0)));
    }
  }

  private static void write(BinaryRowData row, long id) {
    BinaryRowWriter writer = new BinaryRowWriter(row);
    writer.writeLong(0, id);
    writer.writeDouble(1, id / 2.0);
    writer.writeDouble(2, 10.0 * id);
    writer.complete();
  }

  /** The sender writes all rows into one object, as Flink does with object reuse. */
  @ParameterizedTest
  @ValueSource(ints = {0, 2})
  void rowsThatAreUsedAgainAreScoredWithTheirTimesAndKinds(int inFlight) throws Exception {
    List<Object> expected = new ArrayList<>();
    try (Harness<RowData, String> harness =
        Harness.open(
            INFO,
            stream ->
                stream
                    .columns("f2", "f1")
                    .maxRows(3)
                    .inFlight(inFlight)
                    .map(
                        new Strided(),
                        (element, result) -> result.getRowKind() + " " + result.getDouble(0))
                    .returns(Types.STRING))) {
      BinaryRowData row = new BinaryRowData(3);
      for (int id = 0; id < 20; id++) {
        RowKind kind = id % 4 == 0 ? RowKind.DELETE : RowKind.INSERT;
        write(row, id);
        row.setRowKind(kind);
        harness.send(row, id);
        expected.add(new StreamRecord<>(kind + " " + 10.5 * id, id));
      }
      harness.flink().endInput();
      assertThat(harness.emitted()).isEqualTo(expected);
    }
  }

  /** What is passed on beside results, and results that are arguments, lie side by side. */
  @Test
  void batchesThatArePassedOnAreContiguous() throws Exception {
    try (Harness<RowData, OwnedBatch> harness =
        Harness.open(
            INFO,
            stream -> stream.columns("f1", "f2").maxRows(2).mapBatches(new Same(), "f0", "f1"))) {
      BinaryRowData row = new BinaryRowData(3);
      for (int id = 1; id <= 2; id++) {
        write(row, id);
        harness.send(row, 0);
      }
      try (OwnedBatch batch = harness.values().get(0)) {
        assertThat(batch.columns())
            .extracting(DeviceColumn::name)
            .containsSequence("same", "f0", "f1");
        for (int c = 0; c < 3; c++) {
          assertThat(batch.column(c).array().isContiguous()).as("column %d", c).isTrue();
        }
        assertThat(Sum.at(batch.column("same").array(), 1)).as("same").isEqualTo(1);
        assertThat(Sum.at(batch.column("f0").array(), 1)).as("id").isEqualTo(2);
      }
    }
  }

  /** Rows of results are read side by side. */
  @Test
  void aStridedResultIsRefusedAsARowWithTheRemedy() throws Exception {
    try (Harness<RowData, RowData> harness =
        Harness.open(INFO, stream -> stream.columns("f1", "f2").maxRows(2).map(new Same()))) {
      BinaryRowData row = new BinaryRowData(3);
      write(row, 1);
      harness.send(row, 0);
      assertThatThrownBy(() -> harness.send(row, 0))
          .hasMessageContaining("Cannot return an array with strides [2] for shape [2]")
          .hasMessageContaining("copy it with contiguous(Options)");
      harness.kill();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1})
  void rowsBehindANetworkAreBinaryAndAreScored(int inFlight) throws Exception {
    int rows = 1000;
    StreamExecutionEnvironment environment = StreamExecutionEnvironment.createLocalEnvironment(2);
    DataStream<RowData> elements =
        environment
            .fromSequence(0, rows - 1)
            .map(id -> (RowData) GenericRowData.of(id, id / 2.0, 10.0 * id))
            .returns(INFO)
            .keyBy(row -> row.getLong(0) % 7);
    DataStream<String> scored =
        TensorStream.of(elements)
            .columns("f1", "f2")
            .maxRows(64)
            .maxDelay(Duration.ofMillis(10))
            .inFlight(inFlight)
            .map(
                new Strided(),
                (row, result) ->
                    (row instanceof BinaryRowData)
                        + " "
                        + (result.getDouble(0) == 10.5 * row.getLong(0)))
            .returns(Types.STRING);
    assertThat(scored.executeAndCollect(rows + 1))
        .as("binary, and scored right")
        .hasSize(rows)
        .containsOnly("true true");
  }
}
