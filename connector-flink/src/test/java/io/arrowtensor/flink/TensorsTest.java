package io.arrowtensor.flink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.BatchSchema;
import io.arrowtensor.FileAccess;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.Nulls;
import io.arrowtensor.Options;
import io.arrowtensor.engine.OnnxFunction;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.flink.api.common.RuntimeExecutionMode;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.table.api.Table;
import org.apache.flink.table.api.TableException;
import org.apache.flink.types.Row;
import org.apache.flink.types.RowKind;
import org.apache.flink.util.CloseableIterator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Tables through the operator, and back. */
@ExtendWith(NothingHeld.class)
@Timeout(120)
class TensorsTest {
  private static Table sums(SqlJob job, Table table, Options options) {
    OnnxFunction add = OnnxFunction.of(URI.create(Models.uri("add.onnx")));
    return Tensors.map(job.tables, table, add, options, "a", "b");
  }

  @SuppressWarnings("try") // an interrupt fails the test, as it should
  private static List<Row> rows(Table table) throws Exception {
    List<Row> rows = new ArrayList<>();
    try (CloseableIterator<Row> all = table.execute().collect()) {
      all.forEachRemaining(rows::add);
    }
    return rows;
  }

  @ParameterizedTest
  @EnumSource(names = {"STREAMING", "BATCH"})
  void aTableKeepsItsColumnsAndGetsTheResultsBehindThem(RuntimeExecutionMode mode)
      throws Exception {
    SqlJob job = new SqlJob(new Configuration(), mode).numbers(2500);
    Table sums = sums(job, job.query("SELECT * FROM t"), Options.defaults());
    assertThat(sums.getResolvedSchema().getColumnNames()).containsExactly("id", "a", "b", "sum");
    List<Row> rows = rows(sums);
    assertThat(rows).hasSize(2500);
    for (Row row : rows) {
      float id = (Long) row.getField("id");
      assertThat(row).isEqualTo(Row.of((long) id, id, 2 * id, 3 * id));
    }
  }

  @Test
  void queriesGoOnBehindIt() throws Exception {
    SqlJob job = SqlJob.streaming();
    job.values(
        "v",
        "name, tags, a, b",
        "('x', ARRAY['p', 'q'], CAST(1 AS FLOAT), CAST(2 AS FLOAT))",
        "('y', ARRAY['r'], CAST(NULL AS FLOAT), CAST(2 AS FLOAT))");
    Table sums =
        sums(job, job.query("SELECT * FROM v"), Options.defaults().withNulls(Nulls.PROPAGATE));
    job.tables.createTemporaryView("sums", sums);
    assertThat(job.rows("SELECT UPPER(name), tags[1], `sum` + 1 FROM sums"))
        .containsExactlyInAnyOrder(Row.of("X", "p", 4F), Row.of("Y", "r", null));
  }

  @Test
  void changesKeepTheirKind() throws Exception {
    SqlJob job = SqlJob.streaming();
    job.values(
        "v", "k, x", "(1, CAST(1 AS FLOAT))", "(1, CAST(2 AS FLOAT))", "(2, CAST(5 AS FLOAT))");
    Table counted =
        job.query("SELECT k, SUM(x) AS a, CAST(COUNT(*) AS FLOAT) AS b FROM v GROUP BY k");
    List<Row> rows = rows(sums(job, counted, Options.defaults().withNulls(Nulls.PROPAGATE)));
    assertThat(rows)
        .containsExactlyInAnyOrder(
            Row.ofKind(RowKind.INSERT, 1, 1F, 1F, 2F),
            Row.ofKind(RowKind.UPDATE_BEFORE, 1, 1F, 1F, 2F),
            Row.ofKind(RowKind.UPDATE_AFTER, 1, 3F, 2F, 5F),
            Row.ofKind(RowKind.INSERT, 2, 5F, 1F, 6F));
  }

  /** A window closes only by watermarks, and groups by the time attribute. */
  @Test
  void eventTimeGoesOnBehindIt() throws Exception {
    SqlJob job = SqlJob.streaming();
    job.sql(
        """
        CREATE TABLE timed (
          i BIGINT,
          a AS CAST(i AS FLOAT),
          b AS CAST(i AS FLOAT),
          ts AS TO_TIMESTAMP_LTZ(i * 1000, 3),
          WATERMARK FOR ts AS ts
        ) WITH ('connector' = 'datagen', 'number-of-rows' = '30',
          'fields.i.kind' = 'sequence', 'fields.i.start' = '0', 'fields.i.end' = '29')
        """);
    job.tables.createTemporaryView("sums", sums(job, job.query("SELECT * FROM timed"), nullsOut()));
    assertThat(
            job.rows(
                """
                SELECT SUM(`sum`) FROM TABLE(TUMBLE(TABLE sums, DESCRIPTOR(ts), INTERVAL '10' SECOND))
                GROUP BY window_start, window_end
                """))
        .containsExactly(Row.of(90F), Row.of(290F), Row.of(490F));
  }

  private static Options nullsOut() {
    return Options.defaults().withNulls(Nulls.PROPAGATE);
  }

  /** A function that cannot be planned, as a file system of Flink's may say it. */
  private static final class Unplanned extends Sum {
    private static final long serialVersionUID = 1;

    private final AtomicInteger asked;

    Unplanned(AtomicInteger asked) {
      this.asked = asked;
    }

    @Override
    public BatchSchema resultSchema(BatchSchema input, FileAccess files) {
      throw new TableException("asked " + asked.incrementAndGet() + " times");
    }
  }

  @Test
  void aFailureOfTheFunctionIsNotTakenForATableThatChanges() {
    SqlJob job = SqlJob.streaming().numbers(1);
    Unplanned function = new Unplanned(new AtomicInteger());
    assertThatThrownBy(
            () -> Tensors.map(job.tables, job.query("TABLE t"), function, nullsOut(), "a", "b"))
        .isInstanceOf(TableException.class)
        .hasMessage("asked 1 times");
  }

  @Test
  void aTableThatFlinkCannotRunTellsBothReasons() {
    SqlJob job = SqlJob.streaming().numbers(1);
    Table sorted = job.query("SELECT * FROM t ORDER BY a");
    assertThatThrownBy(() -> sums(job, sorted, nullsOut()))
        .isInstanceOf(TableException.class)
        .hasMessageContaining("Sort on a non-time-attribute field is not supported")
        .satisfies(failure -> assertThat(failure.getSuppressed()).hasSize(1));
  }

  @Test
  void aResultThatHasTheNameOfAColumnIsRefused() {
    SqlJob job = SqlJob.streaming().numbers(1);
    Table table = job.query("SELECT a, b, id AS `sum` FROM t");
    assertThatThrownBy(() -> sums(job, table, Options.defaults()))
        .isInstanceOf(InterchangeException.class)
        .hasMessage(
            "Cannot append result column 'sum': the table has a column of that name; rename the"
                + " table's column first");
  }

  @Test
  void aColumnThatIsNotThereIsRefused() {
    SqlJob job = SqlJob.streaming().numbers(1);
    assertThatThrownBy(() -> sums(job, job.query("SELECT a FROM t"), Options.defaults()))
        .isInstanceOf(InterchangeException.class)
        .hasMessageContaining("Cannot find field 'b': the elements have [a]");
  }
}
