package io.arrowtensor.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.Nulls;
import io.arrowtensor.Options;
import io.arrowtensor.engine.OnnxFunction;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.spark.sql.AnalysisException;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The SQL function that scores with a model by its URI. */
class OnnxPredictTest {
  private static final SparkSession SPARK = Local.SPARK;
  private static final Path MODELS = Path.of("../connector-core/src/test/resources/onnx");

  @AfterEach
  void nothingIsHeld() {
    Local.assertNothingHeld();
  }

  private static String predict(String model, String columns) {
    return "onnx_predict('" + MODELS.resolve(model).toUri().normalize() + "', " + columns + ")";
  }

  @Test
  void scoresWithoutAnyRegistration() {
    String call = predict("add.onnx", "a, cast(b as float)");
    Dataset<Row> scored = SPARK.sql("select a, b, " + call + " as y from t where " + call + " > 9");
    assertThat(scored.count())
        .as("rows")
        .isEqualTo(SPARK.sql("select 1 from t where a + b > 9").count());
    assertThat(scored.where("y <> a + cast(b as float)").count()).as("wrong rows").isZero();
    assertThat(Local.plan(scored).split("MapTensors", -1)).as("evaluations").hasSize(2);
  }

  @Test
  void worksInNewSessions() {
    List<Row> rows =
        SPARK.newSession().sql("select " + predict("add.onnx", "1.5F, 2F")).collectAsList();
    assertThat(rows).as("rows").first().hasToString("[3.5]");
  }

  @Test
  void columnsArePackedAndSeveralValuesARowAreAnArray() {
    Dataset<Row> scored =
        SPARK.sql("select id, v, " + predict("matrix_3_to_2.onnx", "a, a, a") + " as y from t");
    assertThat(scored.schema().apply("y").dataType().simpleString())
        .as("type")
        .isEqualTo("array<float>");
    assertThat(scored.where("size(y) = 2").count()).as("rows").isEqualTo(Local.ROWS);
    Dataset<Row> fromArrays =
        SPARK.sql("select id, " + predict("matrix_3_to_2.onnx", "v") + " as y from t");
    Dataset<Row> fromColumns =
        SPARK.sql(
            "select id, " + predict("matrix_3_to_2.onnx", "v[0], v[1], v[2]") + " as y from t");
    assertThat(fromArrays.except(fromColumns).count()).as("difference").isZero();
  }

  @Test
  void severalOutputsAreAStruct() {
    Dataset<Row> scored =
        SPARK.sql("select a, id, " + predict("two_outputs.onnx", "a, id") + " as y from t");
    assertThat(scored.where("y.sum <> a + id or y.larger is null").count())
        .as("wrong rows")
        .isZero();
  }

  @Test
  void textComesBackAsText() {
    Dataset<Row> scored =
        SPARK.sql("select s, " + predict("identity_string.onnx", "s") + " as y from t");
    assertThat(scored.where("y <> s or y is null").count()).as("wrong rows").isZero();
  }

  @Test
  void nullInIsNullOut() {
    String call = predict("identity_double.onnx", "n");
    assertThat(SPARK.sql("select n, " + call + " as y from t").where("not (n <=> y)").count())
        .as("wrong rows")
        .isZero();
  }

  @Test
  void weightsBesideTheModelComeAlong() {
    String columns = "a, a, a, a, a, a, a, a";
    assertThat(
            SPARK
                .sql("select " + predict("external_weights.onnx", columns) + " as y from t")
                .where("size(y) = 8")
                .count())
        .as("rows")
        .isEqualTo(Local.ROWS);
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          no arguments | select onnx_predict() | write onnx_predict('URI of the model', column, ...)
          URI in a column | select onnx_predict(s, a) from t | a string literal
          null URI | select onnx_predict(cast(null as string), a) from t | a string literal
          no URI | select onnx_predict('a b', a) from t | write spaces as %20
          no file | select onnx_predict('/no/such/model.onnx', a) from t | /no/such/model.onnx
          no file system | select onnx_predict('nofs://h/model.onnx', a) from t | nofs
          date | select onnx_predict('m.onnx', current_date()) from t | cast it to the number
          """)
  void isRefusedWhenAnalysed(String name, String query, String words) {
    assertThatThrownBy(() -> SPARK.sql(query))
        .as(query)
        .isInstanceOf(AnalysisException.class)
        .hasMessageContaining(words);
  }

  @Test
  void aColumnThatDoesNotFitTheModelIsRefusedWhenAnalysed() {
    assertThatThrownBy(() -> SPARK.sql("select " + predict("add.onnx", "a, s") + " from t"))
        .isInstanceOf(AnalysisException.class)
        .hasMessageContaining("Cannot call onnx_predict(a, s)")
        .hasMessageContaining("column 's: string nullable'");
  }

  @Test
  void aRemoteModelIsFetchedOncePerProcess() throws IOException {
    SPARK.sparkContext().hadoopConfiguration().set("fs.counted.impl", CountedFiles.class.getName());
    Path model = Local.FOLDER.resolve("remote.onnx");
    Files.copy(MODELS.resolve("add.onnx"), model, StandardCopyOption.REPLACE_EXISTING);
    CountedFiles.OPENED.set(0);
    String call = "onnx_predict('counted:" + model + "', a, cast(b as float))";
    for (int i = 0; i < 2; i++) {
      assertThat(
              SPARK
                  .sql("select a, b, " + call + " as y from t")
                  .where("y <> a + cast(b as float)")
                  .count())
          .as("wrong rows")
          .isZero();
    }
    assertThat(CountedFiles.OPENED).as("fetches").hasValue(1);
  }

  @Test
  void aModelThatChangedAfterPlanningIsRefused() throws IOException {
    Path model = Local.FOLDER.resolve("changing.onnx");
    Files.copy(MODELS.resolve("add.onnx"), model, StandardCopyOption.REPLACE_EXISTING);
    Dataset<Row> scored =
        SPARK.sql("select onnx_predict('" + model.toUri() + "', a, cast(b as float)) from t");
    Files.copy(MODELS.resolve("identity_float.onnx"), model, StandardCopyOption.REPLACE_EXISTING);
    assertThatThrownBy(scored::collect)
        .hasStackTraceContaining("where the job was built there were");
  }

  /** Local files behind another scheme. */
  public static final class CountedFiles extends RawLocalFileSystem {
    static final AtomicInteger OPENED = new AtomicInteger();

    @Override
    public URI getUri() {
      return URI.create("counted:///");
    }

    @Override
    public FSDataInputStream open(org.apache.hadoop.fs.Path path, int bufferSize)
        throws IOException {
      OPENED.incrementAndGet();
      return super.open(path, bufferSize);
    }
  }

  @Test
  void aModelIsNotCalledWithAMaskThatItDoesNotRead() {
    OnnxFunction model =
        OnnxFunction.of(MODELS.resolve("identity_double.onnx").toUri().normalize());
    Options masked = Options.defaults().withNulls(Nulls.MASK);
    assertThatThrownBy(() -> Tensors.map(SPARK.table("t"), model, masked, "n"))
        .isInstanceOf(AnalysisException.class)
        .hasMessageContaining("Cannot call OnnxFunction(n): it does not read the mask")
        .hasMessageContaining("choose Nulls.PROPAGATE or Nulls.fill(value)");
  }
}
