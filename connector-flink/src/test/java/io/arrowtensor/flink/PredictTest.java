package io.arrowtensor.flink;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.RuntimeExecutionMode;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.types.Row;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** What {@code ML_PREDICT} gives, compared with what ONNX Runtime gives by its own API. */
@ExtendWith(NothingHeld.class)
@Timeout(120)
@SinceFlink(value = "2.1", feature = "ML_PREDICT")
class PredictTest {
  private static List<Row> predict(SqlJob job, String select, String table, String columns)
      throws Exception {
    List<Row> rows =
        job.rows(
            "SELECT %s FROM ML_PREDICT(TABLE %s, MODEL m, DESCRIPTOR(%s))"
                .formatted(select, table, columns));
    rows.sort(Comparator.comparing(row -> String.valueOf(row.getField(0))));
    return rows;
  }

  @Test
  void rowsAreScoredAsByOnnxRuntimeItself() throws Exception {
    requireOnnxRuntimesScores(RuntimeExecutionMode.STREAMING);
  }

  @Test
  @SinceFlink(value = "2.3", feature = "ML_PREDICT in batch mode")
  void rowsAreScoredAsByOnnxRuntimeItselfInBatchMode() throws Exception {
    requireOnnxRuntimesScores(RuntimeExecutionMode.BATCH);
  }

  private static void requireOnnxRuntimesScores(RuntimeExecutionMode mode) throws Exception {
    int n = 2500;
    float[] a = new float[n];
    float[] b = new float[n];
    for (int i = 0; i < n; i++) {
      a[i] = i;
      b[i] = 2 * i;
    }
    float[] expected = (float[]) Models.score("add.onnx", Map.of("a", a, "b", b), "sum");
    SqlJob job =
        new SqlJob(new Configuration(), mode)
            .numbers(n)
            .sql(Models.create("a FLOAT, b FLOAT", "s FLOAT", "add.onnx", ""));
    List<Row> rows = predict(job, "id, a, b, s", "t", "a, b");
    assertThat(rows).hasSize(n);
    for (Row row : rows) {
      int id = ((Long) row.getField("id")).intValue();
      assertThat(row).isEqualTo(Row.of((long) id, a[id], b[id], expected[id]));
    }
  }

  @Test
  void anArrayColumnIsTheModelsMatrix() throws Exception {
    float[][] x = {{1, 2, 3}, {4, 5, 6}, {7, 8, 9.5F}};
    float[][] expected = (float[][]) Models.score("matrix_3_to_2.onnx", Map.of("x", x), "y");
    SqlJob job =
        SqlJob.streaming()
            .values(
                "v",
                "id, x",
                "(0, ARRAY[CAST(1 AS FLOAT), 2, 3])",
                "(1, ARRAY[CAST(4 AS FLOAT), 5, 6])",
                "(2, ARRAY[CAST(7 AS FLOAT), 8, 9.5])")
            .sql(Models.create("x ARRAY<FLOAT>", "y ARRAY<FLOAT>", "matrix_3_to_2.onnx", ""));
    List<Row> rows = predict(job, "id, y", "v", "x");
    assertThat(rows).hasSize(3);
    for (int i = 0; i < 3; i++) {
      Float[] y = {expected[i][0], expected[i][1]};
      assertThat((Float[]) rows.get(i).getField("y")).as("row %d", i).isEqualTo(y);
    }
  }

  @Test
  void severalColumnsArePackedIntoTheModelsMatrix() throws Exception {
    float[][] expected =
        (float[][]) Models.score("matrix_3_to_1.onnx", Map.of("x", new float[][] {{1, 2, 1}}), "y");
    SqlJob job =
        SqlJob.streaming()
            .values("v", "a, b", "(CAST(1 AS FLOAT), CAST(2 AS FLOAT))")
            .sql(Models.create("p FLOAT, q FLOAT, r FLOAT", "y FLOAT", "matrix_3_to_1.onnx", ""));
    assertThat(predict(job, "y", "v", "a, b, a")).containsExactly(Row.of(expected[0][0]));
  }

  @Test
  void resultsAreNamedOrTakenInOrder() throws Exception {
    String input = "a FLOAT, b BIGINT";
    SqlJob job =
        SqlJob.streaming()
            .values("v", "a, b", "(CAST(1.5 AS FLOAT), CAST(4 AS BIGINT))")
            .sql(Models.create(input, "larger BOOLEAN", "two_outputs.onnx", ""));
    assertThat(predict(job, "*", "v", "a, b")).containsExactly(Row.of(1.5F, 4L, false));
    job.sql("DROP MODEL m")
        .sql(Models.create(input, "x DOUBLE, y BOOLEAN", "two_outputs.onnx", ""));
    assertThat(predict(job, "x, y", "v", "a, b")).containsExactly(Row.of(5.5, false));
  }

  @Test
  void textGoesInAndOut() throws Exception {
    SqlJob job =
        SqlJob.streaming()
            .values("v", "s", "('grün')", "('')", "(CAST(NULL AS STRING))")
            .sql(Models.create("s STRING", "t STRING", "identity_string.onnx", ""));
    assertThat(predict(job, "s, t", "v", "s"))
        .containsExactly(Row.of("", ""), Row.of("grün", "grün"), Row.of(null, null));
  }

  /** Flink hands over what the table has, also where it would be cast. */
  @Test
  void narrowerColumnsThanDeclaredAreTakenAsTheyAre() throws Exception {
    SqlJob job =
        SqlJob.streaming()
            .values("v", "x", "(CAST(7 AS SMALLINT))", "(CAST(NULL AS SMALLINT))")
            .sql(Models.create("x BIGINT", "y BIGINT", "identity_int64.onnx", ""));
    assertThat(predict(job, "y", "v", "x")).containsExactly(Row.of(7L), Row.of((Long) null));
  }

  @Test
  void nullsAreFilledOnRequest() throws Exception {
    SqlJob job =
        SqlJob.streaming()
            .values("v", "a, b", "(CAST(1 AS FLOAT), CAST(NULL AS FLOAT))")
            .sql(
                Models.create(
                    "a FLOAT, b FLOAT",
                    "s FLOAT",
                    "add.onnx",
                    ", 'nulls' = 'fill', 'fill-value' = '-3'"));
    assertThat(predict(job, "b, s", "v", "a, b")).containsExactly(Row.of(null, -2F));
  }

  @Test
  void rowsDoNotWaitForAFullBatch() throws Exception {
    SqlJob job =
        SqlJob.streaming()
            .numbers(3)
            .sql(
                Models.create(
                    "a FLOAT, b FLOAT",
                    "s FLOAT",
                    "add.onnx",
                    ", 'batch.max-rows' = '5', 'batch.max-delay' = '40 s'"));
    long start = System.nanoTime();
    assertThat(predict(job, "id, s", "t", "a, b"))
        .containsExactly(Row.of(0L, 0F), Row.of(1L, 3F), Row.of(2L, 6F));
    assertThat(Duration.ofNanos(System.nanoTime() - start))
        .as("a pause of 4 s and the job's start")
        .isLessThan(Duration.ofSeconds(40));
  }
}
