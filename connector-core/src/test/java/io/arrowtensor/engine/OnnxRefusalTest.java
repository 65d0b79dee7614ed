package io.arrowtensor.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.BatchSchema;
import io.arrowtensor.BatchSchema.Column;
import io.arrowtensor.ColumnKind;
import io.arrowtensor.DType;
import io.arrowtensor.FileAccess;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.UnsupportedTypeException;
import java.net.URI;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What does not fit is refused on the driver, with culprit and remedy. */
class OnnxRefusalTest {

  private static Column floats(String name) {
    return Column.scalar(name, DType.FLOAT32);
  }

  private static Column[] floats(int count) {
    return Stream.iterate(0, i -> i + 1)
        .limit(count)
        .map(i -> floats("f" + i))
        .toArray(Column[]::new);
  }

  private static Arguments refused(String model, List<Column> columns, String... parts) {
    return Arguments.of(model, columns, List.of(parts));
  }

  static Stream<Arguments> refusals() {
    return Stream.of(
        refused(
            "classifier_zipmap.onnx",
            List.of(floats(4)),
            "output 'output_probability' is no tensor",
            "zipmap': False"),
        refused(
            "scalar_output.onnx",
            List.of(floats("x")),
            "output 'y' float32[] has no dimension that counts rows",
            "one value per row"),
        refused(
            "fixed_batch.onnx",
            List.of(floats("a"), floats("b")),
            "input 'x' float32[4, 2] is made for batches of exactly 4 rows",
            "dynamic batch dimension"),
        refused(
            "identity_uint16.onnx",
            List.of(Column.scalar("x", DType.UINT16)),
            "input 'x' uint16[?] has an element type that ONNX Runtime's Java API cannot hand in",
            "Cast node"),
        refused("identity_uint32.onnx", List.of(floats("x")), "uint32", "Cast node"),
        refused("identity_uint64.onnx", List.of(floats("x")), "uint64", "Cast node"),
        refused(
            "matrix_3_to_1.onnx",
            List.of(floats("a"), floats("b")),
            "input 'x' float32[?, 3] takes 3 columns, but got [a: float32, b: float32]",
            "in the order of the model's features"),
        refused(
            "matrix_3_to_1.onnx",
            List.of(Column.tensor("a", DType.FLOAT32, 4L)),
            "input 'x' float32[?, 3] does not take rows of the shape of column 'a: float32[4]'",
            "rows of shape [3]"),
        refused(
            "matrix_3_to_1.onnx",
            List.of(floats("a"), Column.tensor("b", DType.FLOAT32, 2L), floats("c")),
            "packed of columns of single numbers, but got column 'b: float32[2]'"),
        refused(
            "matrix_3_to_1.onnx",
            List.of(floats("a"), Column.string("city"), floats("c")),
            "input 'x' float32[?, 3] cannot be made of column 'city: string'",
            "hand in a number"),
        refused(
            "add.onnx",
            List.of(floats("a")),
            "takes 2 columns for its inputs ['a' float32[?], 'b' float32[?]], but got [a: float32]",
            "one column per input"),
        refused(
            "add.onnx",
            List.of(floats("b"), floats("x")),
            "column 'b' would go to input 'a' float32[?] by its position",
            "name all columns as the inputs [a, b], or none"),
        refused(
            "identity_string.onnx",
            List.of(floats("x")),
            "input 'x' string[?] cannot be made of column 'x: float32'",
            "cast the column to string"),
        refused(
            "identity_bool.onnx",
            List.of(floats("x")),
            "there is no cast from float32 to bool",
            "cast the column first"),
        refused(
            "identity_float.onnx",
            List.of(Column.scalar("x", DType.COMPLEX64)),
            "there is no cast from complex64 to float32"),
        refused(
            "identity_float.onnx",
            List.of(new Column("x", ColumnKind.LIST, DType.FLOAT32, List.of(), false)),
            "cannot be made of column 'x: float32[?]'",
            "hand in a fixed-size array"),
        refused(
            "rank3.onnx",
            List.of(Column.tensor("x", DType.FLOAT32, 4L)),
            "input 'x' float32[?, 2, 2] does not take rows",
            "rows of shape [2, 2]"));
  }

  @ParameterizedTest
  @MethodSource("refusals")
  void whatDoesNotFitIsRefusedBeforeTheJob(String model, List<Column> columns, List<String> parts) {
    OnnxFunction function = OnnxFunction.of(ScoringTask.model(model));
    assertThatThrownBy(() -> function.resultSchema(new BatchSchema(columns), FileAccess.LOCAL))
        .isInstanceOf(UnsupportedTypeException.class)
        .hasMessageContaining(ScoringTask.model(model).toString())
        .satisfies(e -> assertThat(e).hasMessageContainingAll(parts.toArray(new String[0])));
  }

  static Stream<Arguments> unreadable() {
    URI corrupt = ScoringTask.model("corrupt.onnx");
    return Stream.of(
        Arguments.of(corrupt, "it is no ONNX model, or not all of one"),
        Arguments.of(corrupt.resolve("README.md"), "it is no ONNX model, or not all of one"),
        Arguments.of(corrupt.resolve("missing.onnx"), "there is no file"),
        Arguments.of(corrupt.resolve("."), "is a folder"),
        Arguments.of(URI.create("s3://bucket/model.onnx"), "only local files can be read here"));
  }

  @ParameterizedTest
  @MethodSource("unreadable")
  void modelThatCannotBeReadIsNamed(URI model, String why) {
    OnnxFunction function = OnnxFunction.of(model);
    assertThatThrownBy(() -> function.resultSchema(BatchSchema.of(floats("x")), FileAccess.LOCAL))
        .isInstanceOf(InterchangeException.class)
        .hasMessageStartingWith("Cannot read model " + model + ": ")
        .hasMessageContaining(why)
        .hasMessageContaining("check the URI");
  }

  @Test
  void castsBetweenNumbersAreNotRefused() {
    String types =
        Stream.of(
                DType.BOOL, DType.INT8, DType.UINT64, DType.FLOAT16, DType.BFLOAT16, DType.FLOAT64)
            .map(dtype -> schemaOf("identity_float.onnx", Column.scalar("x", dtype)))
            .distinct()
            .collect(Collectors.joining());
    assertThat(types).isEqualTo("[y: float32]");
  }

  private static String schemaOf(String model, Column... columns) {
    return OnnxFunction.of(ScoringTask.model(model))
        .resultSchema(BatchSchema.of(columns), FileAccess.LOCAL)
        .columns()
        .toString();
  }

  @Test
  void rowsOfUnknownShapeAreCheckedWithTheBatch() {
    Column open = Column.tensor("x", DType.FLOAT32, BatchSchema.DYNAMIC);
    try (ScoringTask task = new ScoringTask();
        Scored scored = new Scored(task, "matrix_3_to_1.onnx", open);
        OwnedBatch two = OwnedBatch.of(task.column("x", DType.FLOAT32, new double[4], 2))) {
      assertThatThrownBy(() -> scored.apply(two))
          .isInstanceOf(UnsupportedTypeException.class)
          .hasMessageContaining("column 'x: float32[2]'");
    }
  }

  @Test
  void dictionaryIndicesAreNotScoredAsValues() {
    try (ScoringTask task = new ScoringTask();
        Scored scored = new Scored(task, "identity_int64.onnx", Column.scalar("x", DType.INT64));
        OwnedBatch batch = OwnedBatch.of(task.longs("x", 0).withDictionary(task.longs("d", 7)))) {
      assertThatThrownBy(() -> scored.apply(batch))
          .isInstanceOf(UnsupportedTypeException.class)
          .hasMessageContaining("column 'x'")
          .hasMessageContaining("indices into a dictionary");
    }
  }

  @Test
  void textThatTheEngineWouldCutOffIsRefused() {
    try (ScoringTask task = new ScoringTask();
        OwnedBatch batch = OwnedBatch.of(task.strings("x", "fine", "a\0b"));
        Scored scored = new Scored(task, "identity_string.onnx", batch)) {
      assertThatThrownBy(() -> scored.apply(batch))
          .isInstanceOf(InterchangeException.class)
          .hasMessageContaining("row 1 of column 'x'")
          .hasMessageContaining("U+0000");
    }
  }

  @Test
  void scoringBeforeOpenAndAfterCloseIsAnError() {
    try (ScoringTask task = new ScoringTask();
        OwnedBatch batch = OwnedBatch.of(task.floats("x", 1));
        Scored scored = new Scored(task, "identity_float.onnx", batch)) {
      OnnxFunction unopened = OnnxFunction.of(scored.function.model());
      assertThatThrownBy(() -> unopened.apply(batch))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("before open()");
      unopened.close();
      scored.function.close();
      assertThatThrownBy(() -> scored.apply(batch))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("after close()");
    }
  }
}
