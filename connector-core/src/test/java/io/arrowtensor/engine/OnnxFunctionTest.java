package io.arrowtensor.engine;

import static io.arrowtensor.engine.ScoringTask.model;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import io.arrowtensor.BatchSchema;
import io.arrowtensor.ColumnKind;
import io.arrowtensor.CopyReason;
import io.arrowtensor.DType;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.Memory;
import io.arrowtensor.Outcome;
import io.arrowtensor.OwnedBatch;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class OnnxFunctionTest {
  private final ScoringTask task = new ScoringTask();

  @AfterEach
  void leavesNothingBehind() {
    task.close();
    assertThat(SharedSession.openSessions()).as("sessions left open").isZero();
  }

  static Stream<DType> elementTypes() {
    return Stream.of(
        DType.BOOL,
        DType.INT8,
        DType.INT16,
        DType.INT32,
        DType.INT64,
        DType.UINT8,
        DType.FLOAT16,
        DType.BFLOAT16,
        DType.FLOAT32,
        DType.FLOAT64);
  }

  private static String identity(DType dtype) {
    String name =
        switch (dtype.toString()) {
          case "float32" -> "float";
          case "float64" -> "double";
          default -> dtype.toString();
        };
    return "identity_" + name + ".onnx";
  }

  @ParameterizedTest
  @MethodSource("elementTypes")
  void everyElementTypeGoesInAndOutUncopied(DType dtype) {
    double[] values = {0, 1, 1, 0, 1};
    try (OwnedBatch batch = OwnedBatch.of(task.column("x", dtype, values));
        Scored scored = new Scored(task, identity(dtype), batch);
        OwnedBatch result = scored.apply(batch)) {
      assertThat(scored.schema).isEqualTo(BatchSchema.of(BatchSchema.Column.scalar("y", dtype)));
      assertThat(Scored.numbers(result.column("y"))).containsExactly(values);
      assertThat(result.column("y").values().outcome().isZeroCopy()).isTrue();
      assertThat(result.column("y").values().alignment()).isGreaterThanOrEqualTo(64);
      assertThat(task.outcomes).containsExactly(Outcome.zeroCopy(5L * dtype.itemSize()));
    }
  }

  @Test
  void theResultSchemaOfEachShape() {
    assertThat(schema("matrix_3_to_1.onnx", floats("a"), floats("b"), floats("c")))
        .as("[n, 1] is a column of numbers")
        .hasToString("BatchSchema[columns=[y: float32]]");
    assertThat(schema("matrix_3_to_2.onnx", floats("a"), floats("b"), floats("c")))
        .hasToString("BatchSchema[columns=[y: float32[2]]]");
    assertThat(schema("dynamic_trailing.onnx", BatchSchema.Column.scalar("x", DType.INT64)))
        .hasToString("BatchSchema[columns=[y: float32[?]]]");
    assertThat(schema("string_labels.onnx", BatchSchema.Column.scalar("code", DType.INT64)))
        .hasToString("BatchSchema[columns=[label: string]]");
  }

  private static BatchSchema.Column floats(String name) {
    return BatchSchema.Column.scalar(name, DType.FLOAT32);
  }

  private static BatchSchema schema(String model, BatchSchema.Column... columns) {
    return OnnxFunction.of(model(model))
        .resultSchema(BatchSchema.of(columns), io.arrowtensor.FileAccess.LOCAL);
  }

  @Test
  void oneMatrixInputIsPackedOfTheColumnsInTheirOrder() {
    try (OwnedBatch batch =
            OwnedBatch.of(
                task.floats("c", 1, 2), task.floats("a", 10, 20), task.floats("b", 100, 200));
        Scored scored = new Scored(task, "matrix_3_to_2.onnx", batch);
        OwnedBatch result = scored.apply(batch);
        OwnedBatch rows =
            OwnedBatch.of(
                task.column("x", DType.FLOAT32, new double[] {1, 10, 100, 2, 20, 200}, 3));
        OwnedBatch same = scored.apply(rows)) {
      assertThat(task.outcomes)
          .as("three columns packed, then one column of rows as it is")
          .containsExactly(Outcome.copied(24, CopyReason.PACKED), Outcome.zeroCopy(24));
      assertThat(result.column("y").values().shape()).containsExactly(2, 2);
      assertThat(Scored.numbers(result.column("y")))
          .containsExactly(Scored.numbers(same.column("y")));
      assertThat(Arrays.stream(Scored.numbers(result.column("y"))).distinct().count())
          .as("different scores")
          .isGreaterThan(1);
    }
  }

  @Test
  void matrixInputOfOtherTypesIsCastWhileItIsPacked() {
    try (OwnedBatch floats =
            OwnedBatch.of(task.floats("a", 1, 2), task.floats("b", 3, 4), task.floats("c", 5, 6));
        OwnedBatch mixed =
            OwnedBatch.of(
                task.longs("a", 1, 2),
                task.column("b", DType.FLOAT64, new double[] {3, 4}),
                task.floats("c", 5, 6));
        Scored scored = new Scored(task, "matrix_3_to_1.onnx", mixed);
        OwnedBatch expected = scored.apply(floats);
        OwnedBatch result = scored.apply(mixed)) {
      assertThat(Scored.numbers(result.column(0)))
          .containsExactly(Scored.numbers(expected.column(0)));
      assertThat(task.outcomes)
          .containsExactly(
              Outcome.copied(24, CopyReason.PACKED), Outcome.copied(24, CopyReason.CAST));
    }
  }

  @Test
  void severalInputsAreBoundByNameElseByPosition() {
    try (OwnedBatch named = OwnedBatch.of(task.longs("b", 5, 6), task.floats("a", 1.5, 9.5));
        Scored scored = new Scored(task, "two_outputs.onnx", named);
        OwnedBatch byName = scored.apply(named);
        OwnedBatch unnamed =
            OwnedBatch.of(task.floats("left", 1.5, 9.5), task.longs("right", 5, 6));
        OwnedBatch byPosition = scored.apply(unnamed)) {
      for (OwnedBatch result : List.of(byName, byPosition)) {
        assertThat(Scored.numbers(result.column("sum"))).containsExactly(6.5, 15.5);
        assertThat(Scored.numbers(result.column("larger"))).containsExactly(0, 1);
        assertThat(result.column("larger").values().dtype()).isEqualTo(DType.BOOL);
      }
      assertThat(task.outcomes).allMatch(Outcome::isZeroCopy).hasSize(4);
    }
  }

  @Test
  void numbersAreCastToTheTypeOfTheirInput() {
    try (OwnedBatch batch =
            OwnedBatch.of(
                task.longs("a", 1, 2), task.column("b", DType.FLOAT64, new double[] {0.5, 0.25}));
        Scored scored = new Scored(task, "add.onnx", batch);
        OwnedBatch result = scored.apply(batch)) {
      assertThat(Scored.numbers(result.column("sum"))).containsExactly(1.5, 2.25);
      assertThat(task.outcomes)
          .containsExactly(Outcome.copied(8, CopyReason.CAST), Outcome.copied(8, CopyReason.CAST));
    }
  }

  @Test
  void valueThatItsCastCannotHoldIsNamed() {
    try (OwnedBatch batch =
            OwnedBatch.of(task.column("age", DType.FLOAT64, new double[] {7, 300}));
        Scored scored = new Scored(task, "identity_int8.onnx", batch)) {
      assertThatThrownBy(() -> scored.apply(batch))
          .isInstanceOf(InterchangeException.class)
          .hasMessage(
              "Cannot cast 300.0 in row 1 of column 'age' from float64 to int8: it does not fit;"
                  + " filter or clamp the values, or use a wider type");
    }
  }

  @Test
  void stridedColumnIsCopied() {
    try (OwnedBatch batch = OwnedBatch.of(everyOther(task.floats("x", 1, -1, 2, -2, 3, -3)));
        Scored scored = new Scored(task, "identity_float.onnx", batch);
        OwnedBatch result = scored.apply(batch)) {
      assertThat(Scored.numbers(result.column("y"))).containsExactly(1, 2, 3);
      assertThat(task.outcomes).containsExactly(Outcome.copied(12, CopyReason.NOT_CONTIGUOUS));
    }
  }

  @Test
  void stridedColumnOfAnotherTypeIsCopiedAndCast() {
    try (OwnedBatch batch = OwnedBatch.of(everyOther(task.floats("x", 1, -1, 2, -2)));
        Scored scored = new Scored(task, "identity_double.onnx", batch);
        OwnedBatch result = scored.apply(batch)) {
      assertThat(Scored.numbers(result.column("y"))).containsExactly(1, 2);
      assertThat(task.outcomes)
          .containsExactly(
              Outcome.copied(8, CopyReason.NOT_CONTIGUOUS), Outcome.copied(16, CopyReason.CAST));
    }
  }

  private static DeviceColumn everyOther(DeviceColumn column) {
    DeviceArray all = column.values();
    Memory half =
        Memory.borrow(all.address(), all.dtype(), all.dim(0) / 2)
            .withStrides(2)
            .withOwner(all::close);
    return DeviceColumn.of(column.name(), DeviceArray.from(half));
  }

  @Test
  void misalignedColumnIsCopied() {
    DeviceColumn bytes = task.column("x", DType.INT8, new double[13]);
    Memory shifted =
        Memory.borrow(bytes.values().address() + 1, DType.FLOAT32, 3).withOwner(bytes::close);
    try (OwnedBatch batch = OwnedBatch.of(DeviceColumn.of("x", DeviceArray.from(shifted)));
        Scored scored = new Scored(task, "identity_float.onnx", batch);
        OwnedBatch result = scored.apply(batch)) {
      assertThat(Scored.numbers(result.column("y"))).containsExactly(0, 0, 0);
      assertThat(task.outcomes).containsExactly(Outcome.copied(12, CopyReason.ALIGNMENT));
    }
  }

  @Test
  void howASourceWasMadeIsCounted() {
    DeviceArray plain = task.floats("x", 1, 2).values();
    DeviceArray decoded =
        DeviceArray.from(
            Memory.borrow(plain.address(), DType.FLOAT32, 2)
                .withOwner(plain::close)
                .withOutcome(Outcome.copied(8, CopyReason.DICTIONARY)));
    try (OwnedBatch batch = OwnedBatch.of(DeviceColumn.of("x", decoded));
        Scored asIs = new Scored(task, "identity_float.onnx", batch);
        Scored cast = new Scored(task, "identity_double.onnx", batch);
        OwnedBatch first = asIs.apply(batch);
        OwnedBatch second = cast.apply(batch)) {
      assertThat(Scored.numbers(second.column(0))).containsExactly(Scored.numbers(first.column(0)));
      assertThat(task.outcomes)
          .containsExactly(
              Outcome.copied(8, CopyReason.DICTIONARY),
              Outcome.copied(8, CopyReason.DICTIONARY),
              Outcome.copied(16, CopyReason.CAST));
    }
  }

  @Test
  void rowsOfMoreDimensionsGoInAsTheyAre() {
    double[] values = {1, 2, 3, 4, 5, 6, 7, 8};
    try (OwnedBatch batch = OwnedBatch.of(task.column("image", DType.FLOAT32, values, 2, 2));
        Scored scored = new Scored(task, "rank3.onnx", batch);
        OwnedBatch result = scored.apply(batch)) {
      assertThat(result.column("y").values().shape()).containsExactly(2, 2);
      assertThat(task.outcomes).containsExactly(Outcome.zeroCopy(32));
    }
  }

  @Test
  void outputsOfOpenWidthAreCopiedOutOfTheEngine() {
    try (OwnedBatch batch = OwnedBatch.of(task.longs("x", 0, 2, 1));
        Scored scored = new Scored(task, "dynamic_trailing.onnx", batch);
        OwnedBatch result = scored.apply(batch)) {
      DeviceArray rows = result.column("y").values();
      assertThat(rows.shape()).containsExactly(3, 3);
      assertThat(Scored.numbers(result.column("y"))).containsExactly(1, 0, 0, 0, 0, 1, 0, 1, 0);
      assertThat(rows.outcome()).isEqualTo(Outcome.copied(36, CopyReason.ENGINE_OUTPUT));
    }
  }

  @Test
  void stringsComeOutAsStrings() {
    try (OwnedBatch batch = OwnedBatch.of(task.longs("code", 0, 1, 2));
        Scored scored = new Scored(task, "string_labels.onnx", batch);
        OwnedBatch result = scored.apply(batch)) {
      DeviceColumn labels = result.column("label");
      assertThat(labels.kind()).isEqualTo(ColumnKind.STRING);
      assertThat(Scored.texts(labels)).doesNotContain("").doesNotHaveDuplicates().hasSize(3);
      assertThat(labels.values().outcome().reason()).isEqualTo(CopyReason.ENGINE_OUTPUT);
    }
  }

  @Test
  void stringsGoInAndOutAsTheyAre() {
    String[] rows = {"plain", "", "ümlaut €", "smile 😀!", "𝄞"};
    try (OwnedBatch batch = OwnedBatch.of(task.strings("x", rows));
        Scored scored = new Scored(task, "identity_string.onnx", batch);
        OwnedBatch result = scored.apply(batch)) {
      assertThat(Scored.texts(result.column("y"))).containsExactly(rows);
      long bytes = batch.column("x").values().nbytes();
      assertThat(task.outcomes).containsExactly(Outcome.copied(bytes, CopyReason.CAST));
    }
  }

  /** The Java API hands text over as modified UTF-8: six bytes where UTF-8 has these four. */
  @Test
  void modelSeesPlainUtf8() throws OrtException {
    byte[] smile = {(byte) 0xf0, (byte) 0x9f, (byte) 0x98, (byte) 0x80};
    try (DeviceColumn column = task.strings("x", "😀");
        OnnxTensor tensor = OnnxStrings.tensor(column, new long[] {1})) {
      assertThat(OrtText.length(tensor)).isEqualTo(smile.length);
      try (DeviceColumn read = OnnxStrings.column("y", tensor, 1, task.options())) {
        byte[] bytes = new byte[smile.length];
        read.values().byteBuffer().get(bytes);
        assertThat(bytes).isEqualTo(smile);
      }
    }
  }

  @Test
  void classifierGivesLabelsAndProbabilities() {
    try (OwnedBatch batch =
            OwnedBatch.of(
                task.floats("sl", 5.1, 6.3),
                task.floats("sw", 3.5, 3.3),
                task.floats("pl", 1.4, 6.0),
                task.floats("pw", 0.2, 2.5));
        Scored scored = new Scored(task, "classifier_tensors.onnx", batch);
        OwnedBatch result = scored.apply(batch)) {
      assertThat(Scored.numbers(result.column("label")))
          .as("setosa, virginica")
          .containsExactly(0, 2);
      double[] probabilities = Scored.numbers(result.column("probabilities"));
      assertThat(probabilities).hasSize(6);
      assertThat(Arrays.stream(probabilities, 0, 3).sum())
          .isCloseTo(1, org.assertj.core.api.Assertions.within(1e-5));
    }
  }

  @Test
  void batchWithoutRowsGivesColumnsWithoutRows() {
    try (OwnedBatch batch = OwnedBatch.of(task.longs("code"));
        Scored scored = new Scored(task, "string_labels.onnx", batch);
        OwnedBatch result = scored.apply(batch);
        Scored open = new Scored(task, "dynamic_trailing.onnx", batch);
        OwnedBatch rows = open.apply(batch)) {
      assertThat(result.rowCount()).isZero();
      assertThat(Scored.texts(result.column("label"))).isEmpty();
      assertThat(rows.column("y").values().shape()).containsExactly(0, 0);
    }
  }

  @Test
  void outputWithOtherRowsThanTheBatchIsNamed() {
    try (OwnedBatch batch = OwnedBatch.of(task.floats("x", 1, 1, 2));
        Scored scored = new Scored(task, "changes_row_count.onnx", batch)) {
      assertThatThrownBy(() -> scored.apply(batch))
          .isInstanceOf(InterchangeException.class)
          .hasMessageContaining("output 'y' float32[?]")
          .hasMessageContaining("changes_row_count.onnx")
          .hasMessageContaining("shape [2] for a batch of 3 rows");
    }
  }

  @Test
  void batchesOfOneFunctionMayDifferInTypeAndSize() {
    try (OwnedBatch floats = OwnedBatch.of(task.floats("x", 1, 2));
        Scored scored = new Scored(task, "identity_float.onnx", floats);
        OwnedBatch longs = OwnedBatch.of(task.longs("x", 3, 4, 5));
        OwnedBatch first = scored.apply(floats);
        OwnedBatch second = scored.apply(longs)) {
      assertThat(Scored.numbers(first.column(0))).containsExactly(1, 2);
      assertThat(Scored.numbers(second.column(0))).containsExactly(3, 4, 5);
    }
  }
}
