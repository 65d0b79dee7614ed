package io.arrowtensor.flink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.arrowtensor.InterchangeException;
import org.apache.flink.api.common.RuntimeExecutionMode;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.util.ExceptionUtils;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What does not fit is refused with one sentence while the query is planned. */
@ExtendWith(NothingHeld.class)
@Timeout(120)
@SinceFlink(value = "2.1", feature = "ML_PREDICT")
class PredictRefusalTest {
  private static final String CALL = "SELECT * FROM ML_PREDICT(TABLE t, MODEL m, DESCRIPTOR(a, b))";

  private static String causes(Throwable failure) {
    StringBuilder text = new StringBuilder();
    for (Throwable t = failure; t != null; t = t.getCause()) {
      text.append(t.getMessage()).append('\n');
    }
    return text.toString();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      textBlock =
          """
          a FLOAT, b FLOAT | s FLOAT | /no/such.onnx | | Cannot read /no/such.onnx: there is no such file
          a FLOAT, b FLOAT | s FLOAT | nofs://h/m.onnx | | nofs
          a FLOAT, b FLOAT | s FLOAT | a b.onnx | | Invalid option 'model' = 'a b.onnx': expected a URI; write spaces as %20
          a FLOAT, b FLOAT | s FLOAT | corrupt.onnx | | check the URI and that the file is a complete ONNX model
          a FLOAT, b STRING | s FLOAT | add.onnx | | its input 'b' float32[?] cannot be made of column 'b
          a FLOAT, b DATE | s FLOAT | add.onnx | | Cannot use INPUT column 'b' of type DATE: declare the number that the model was trained on
          a FLOAT, b DECIMAL(9, 2) | s FLOAT | add.onnx | | Cannot use field 'b' of type DECIMAL(9, 2) as a tensor: cast it to
          a FLOAT, b MAP<INT, INT> | s FLOAT | add.onnx | | Cannot use field 'b' of type MAP<INT, INT> as a tensor
          a FLOAT, c FLOAT, d FLOAT | s FLOAT | add.onnx | | it takes 2 columns for its inputs
          a FLOAT, b FLOAT | s INT | add.onnx | | Invalid OUTPUT column 's' of type INT: the model's result 'sum' is FLOAT; declare that, and cast where you select it
          a FLOAT, b FLOAT | s FLOAT NOT NULL | add.onnx | | Invalid OUTPUT column 's' of type FLOAT NOT NULL: the model's result 'sum' is FLOAT
          a FLOAT, b FLOAT | s FLOAT, z FLOAT | add.onnx | | Invalid OUTPUT [s, z]: the model gives 1 results, [sum]
          a FLOAT, b FLOAT | `sum` FLOAT, z FLOAT | add.onnx | | Invalid OUTPUT column 'z': the model gives [sum]
          a FLOAT, b FLOAT | s FLOAT | add.onnx | , 'batch.max-rows' = '0' | Invalid option 'batch.max-rows' = '0': expected at least 1
          a FLOAT, b FLOAT | s FLOAT | add.onnx | , 'batch.max-delay' = '0 s' | Invalid option 'batch.max-delay' = 'PT0S': expected at least a millisecond and at most 365 days
          a FLOAT, b FLOAT | s FLOAT | add.onnx | , 'batch.max-delay' = '200000 d' | Invalid option 'batch.max-delay' = 'PT4800000H': expected at least a millisecond and at most 365 days
          a FLOAT, b FLOAT | s FLOAT | add.onnx | , 'batch.max-rows' = 'many' | Invalid value for option 'batch.max-rows'
          a FLOAT, b FLOAT | s FLOAT | add.onnx | , 'nulls' = 'mask' | Expected one of: [[PROPAGATE, REJECT, FILL]]
          a FLOAT, b FLOAT | s FLOAT | add.onnx | , 'fill-value' = '1' | Invalid option 'fill-value' = '1.0': it needs 'nulls' = 'fill' beside it
          a FLOAT, b FLOAT | s FLOAT | add.onnx | , 'batch-size' = '1' | Unsupported options found for 'tensor'
          """)
  void eachMistakeIsNamedWhenTheQueryIsPlanned(
      String input, String output, String model, String options, String expected) {
    SqlJob job = SqlJob.streaming();
    String nulls = input.replaceAll("([a-d]) ([A-Z]+(\\(.*?\\)|<.*?>)?)", "CAST(NULL AS $2) AS $1");
    job.tables.createTemporaryView("t", job.query("SELECT " + nulls));
    boolean ours = model.matches("[a-z]+\\.onnx");
    String create = Models.create(input, output, model, options == null ? "" : options);
    job.sql(ours ? create : create.replace(Models.uri(model), model));
    String names = input.replaceAll("([a-d]) ([A-Z]+(\\(.*?\\)|<.*?>)?)", "$1");
    String call = CALL.replace("a, b", names);
    Throwable refusal = catchThrowable(() -> job.query(call).explain());
    assertThat(refusal).as("refusal").isNotNull();
    assertThat(causes(refusal)).contains(expected);
  }

  @Test
  void aModelWithoutItsFileIsRefusedByName() {
    SqlJob job =
        SqlJob.streaming()
            .numbers(1)
            .sql(
                "CREATE MODEL m INPUT (a FLOAT, b FLOAT) OUTPUT (s FLOAT) WITH ('provider' = 'tensor')");
    Throwable refusal = catchThrowable(() -> job.query(CALL).explain());
    assertThat(causes(refusal)).contains("Missing required options are:\n\nmodel");
  }

  @Test
  void whatTheTableHandsOverIsCheckedToo() {
    SqlJob job =
        SqlJob.streaming()
            .values("t", "a, b", "(CAST(1 AS FLOAT), CAST(1 AS DECIMAL(9, 2)))")
            .sql(Models.create("a FLOAT, b FLOAT", "s FLOAT", "add.onnx", ""));
    Throwable refusal = catchThrowable(() -> job.query(CALL).explain());
    assertThat(causes(refusal))
        .contains(
            "Cannot use model default_catalog.default_database.m: Cannot use field 'b' of type DECIMAL(9, 2)");
  }

  @ParameterizedTest
  @CsvSource({
    "tensor.batch.max-rows, 0, 0, expected at least 1",
    "tensor.batch.max-delay, 200000 d, PT4800000H, expected at least a millisecond"
  })
  void aSettingOfTheSessionIsRefusedByItsOwnName(
      String key, String value, String shown, String expected) {
    SqlJob job =
        SqlJob.streaming()
            .numbers(1)
            .sql(Models.create("a FLOAT, b FLOAT", "s FLOAT", "add.onnx", ""));
    job.tables.getConfig().set(key, value);
    assertThat(causes(catchThrowable(() -> job.query(CALL).explain())))
        .contains("Invalid option '" + key + "' = '" + shown + "': " + expected);
  }

  @Test
  void rowByRowIsRefusedByFlink() {
    SqlJob job =
        SqlJob.streaming()
            .numbers(1)
            .sql(Models.create("a FLOAT, b FLOAT", "s FLOAT", "add.onnx", ""));
    String call = CALL.replace("b))", "b), MAP['async', 'false'])");
    assertThatThrownBy(() -> job.query(call).explain())
        .hasStackTraceContaining("doesn't support sync mode");
  }

  @Test
  void aNullThatIsRejectedFailsTheJobWithItsColumn() {
    SqlJob job =
        SqlJob.streaming()
            .values("t", "a, b", "(CAST(1 AS FLOAT), CAST(NULL AS FLOAT))")
            .sql(Models.create("a FLOAT, b FLOAT", "s FLOAT", "add.onnx", ", 'nulls' = 'reject'"));
    Throwable failure = catchThrowable(() -> job.rows(CALL));
    InterchangeException ours =
        ExceptionUtils.findThrowable(failure, InterchangeException.class).orElseThrow();
    assertThat(ours).hasMessageContaining("Cannot gather batch 0 of ").hasMessageContaining("'b'");
  }

  @Test
  void theWarningNamesTheSettingToRaise() {
    DeclaredModel model =
        new DeclaredModel("c.d.m", null, null, null, null, 1024, null, new Configuration());
    assertThat(new TensorModelProvider(model).tooFewOperations(5, 10))
        .isEqualTo(
            "ML_PREDICT scores model c.d.m in batches of 5 rows instead of 1024, because only 10"
                + " rows may be under way at once: raise"
                + " table.exec.async-ml-predict.max-concurrent-operations, or"
                + " MAP['max-concurrent-operations', '...'] of the call, to 2048");
  }

  @Test
  void batchModeRefusesAtPlanningTimeToo() {
    SqlJob job =
        new SqlJob(new Configuration(), RuntimeExecutionMode.BATCH)
            .numbers(1)
            .sql(Models.create("a FLOAT, b FLOAT", "s INT", "add.onnx", ""));
    assertThat(causes(catchThrowable(() -> job.query(CALL).explain())))
        .contains("Invalid OUTPUT column 's' of type INT");
  }
}
