package io.arrowtensor.flink;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.DeviceBatch;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.Options;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.Storage;
import io.arrowtensor.engine.OnnxFunction;
import org.apache.arrow.memory.OutOfMemoryException;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.table.data.RowData;
import org.apache.flink.types.Row;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** An error of a batch tells model, field, subtask, batch, the first bad row and the remedy. */
@ExtendWith(NothingHeld.class)
class FailureTest {
  private static Harness<Row, RowData> harness(
      TypeInformation<Row> type, OnnxFunction model, int inFlight) throws Exception {
    return Harness.open(
        type,
        stream ->
            stream
                .columns("x")
                .maxRows(3)
                .inFlight(inFlight)
                .options(Options.defaults().withStorage(Storage.AS_BYTES))
                .map(model));
  }

  private static OnnxFunction model(String name) {
    return OnnxFunction.of(PlainOnnx.MODELS.resolve(name).toUri());
  }

  /** Two batches; the fifth row, of 5 seconds past the epoch, is bad. */
  private static void sendAll(Harness<Row, RowData> harness, Object good, Object bad)
      throws Exception {
    for (int i = 0; i < 6; i++) {
      harness.send(Row.of(i == 4 ? bad : good), 1000L * (i + 1));
    }
    harness.flink().prepareSnapshotPreBarrier(1);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 2})
  void aValueThatDoesNotFitTheModelIsFoundInTheStream(int inFlight) throws Exception {
    TypeInformation<Row> type = Types.ROW_NAMED(new String[] {"x"}, Types.LONG);
    Harness<Row, RowData> harness = harness(type, model("identity_int32.onnx"), inFlight);
    assertThatThrownBy(() -> sendAll(harness, 1L, 1L << 40))
        .isInstanceOf(InterchangeException.class)
        .hasMessageStartingWith("Cannot score batch 1 of ")
        .hasMessageContaining(
            " attempt 0, rows 3 to 5 of this attempt, first bad row 4 (of time"
                + " 1970-01-01T00:00:05Z), with OnnxFunction("
                + PlainOnnx.MODELS.resolve("identity_int32.onnx").toUri()
                + ")(x): Cannot cast 1099511627776 in row 1 of ")
        .hasMessageContaining("'x'")
        .hasMessageEndingWith("filter or clamp the values, or use a wider type");
    harness.kill();
  }

  /** Six numbers a batch, of which the third is in row 1. */
  @Test
  void soIsAValueInAnArray() throws Exception {
    TypeInformation<Row> type =
        Types.ROW_NAMED(new String[] {"x"}, Types.PRIMITIVE_ARRAY(Types.LONG));
    Harness<Row, RowData> harness = harness(type, model("identity_matrix.onnx"), 0);
    assertThatThrownBy(() -> sendAll(harness, new long[] {1, 2}, new long[] {1L << 40, 2}))
        .hasMessageContaining("first bad row 4 (of time 1970-01-01T00:00:05Z), with ")
        .hasMessageContaining("Cannot cast 1099511627776 in row 2 of the values of column 'x' ");
    harness.kill();
  }

  @Test
  void soIsTextThatTheEngineWouldCut() throws Exception {
    TypeInformation<Row> type = Types.ROW_NAMED(new String[] {"x"}, Types.STRING);
    Harness<Row, RowData> harness = harness(type, model("identity_string.onnx"), 0);
    assertThatThrownBy(() -> sendAll(harness, "whole", "cut\u0000off"))
        .hasMessageContaining("first bad row 4 (of time 1970-01-01T00:00:05Z), with ")
        .hasMessageContaining("Cannot score row 1 of column 'x': its text has the character U+0000")
        .hasMessageEndingWith("replace that character first");
    harness.kill();
  }

  @Test
  void soIsARowThatCannotBeGathered() throws Exception {
    TypeInformation<Row> type = Types.ROW_NAMED(new String[] {"x"}, Types.LONG);
    Harness<Row, RowData> harness = harness(type, model("identity_int64.onnx"), 0);
    assertThatThrownBy(() -> sendAll(harness, 1L, null))
        .hasMessageStartingWith("Cannot gather batch 1 of ")
        .hasMessageContaining(" attempt 0, first bad row 4 of this attempt, for OnnxFunction(")
        .hasMessageContaining("field 'x' with nulls: row 1 of the batch is the first");
    harness.kill();
  }

  @Test
  void aRowForWhichThereIsNoMemoryIsNoBadRow() throws Exception {
    Configuration configuration = new Configuration();
    configuration.set(TensorSettings.TASK_MEMORY, MemorySize.parse("4 kb"));
    Options options = Options.defaults().withStorage(Storage.AS_BYTES);
    Harness<Row, RowData> harness =
        Harness.create(
            Types.ROW_NAMED(new String[] {"x"}, Types.STRING),
            configuration,
            stream -> stream.columns("x").maxRows(4).options(options).map(new Sum()));
    harness.flink().open();
    assertThatThrownBy(() -> sendAll(harness, "short", "long ".repeat(1000)))
        .isInstanceOf(InterchangeException.class)
        .hasCauseInstanceOf(OutOfMemoryException.class)
        .hasMessageStartingWith("Cannot gather batch 1 of ")
        .hasMessageContaining(" attempt 0, no memory for row 4 of this attempt, for Sum(x): ")
        .hasMessageEndingWith(
            "; raise tensor.task.memory or what memory(...) asks for, or make batches smaller with"
                + " maxRows(...)");
    harness.kill();
  }

  @Test
  void elementsWithoutTimeAndErrorsWithoutRowSaySo() throws Exception {
    TypeInformation<Row> type = Types.ROW_NAMED(new String[] {"x"}, Types.LONG);
    Harness<Row, RowData> untimed = harness(type, model("identity_int32.onnx"), 0);
    assertThatThrownBy(
            () -> {
              for (int i = 0; i < 3; i++) {
                untimed.flink().processElement(new StreamRecord<>(Row.of(1L << 40)));
              }
            })
        .hasMessageContaining("rows 0 to 2 of this attempt, first bad row 0, with ");
    untimed.kill();
    Harness<Row, RowData> planned =
        Harness.open(type, stream -> stream.columns("x").maxRows(3).map(new Blaming(7)));
    assertThatThrownBy(() -> sendAll(planned, 1L, 1L))
        .as("a function of a user's that counts wrong")
        .hasMessageContaining("rows 0 to 2 of this attempt, first bad row 7, with Blaming(x): bad");
    planned.kill();
    Harness<Row, RowData> silent =
        Harness.open(type, stream -> stream.columns("x").maxRows(3).map(new Blaming(-1)));
    assertThatThrownBy(() -> sendAll(silent, 1L, 1L))
        .hasMessageContaining("rows 0 to 2 of this attempt, with Blaming(x): bad");
    silent.kill();
  }

  /** Fails, and blames a row where that is not negative. */
  private static final class Blaming extends Sum {
    private static final long serialVersionUID = 1;
    private final long row;

    Blaming(long row) {
      this.row = row;
    }

    @Override
    public OwnedBatch apply(DeviceBatch batch) {
      InterchangeException bad = new InterchangeException("bad");
      throw row < 0 ? bad : bad.atRow(row);
    }
  }
}
