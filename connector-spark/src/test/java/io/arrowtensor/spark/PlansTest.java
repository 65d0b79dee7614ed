package io.arrowtensor.spark;

import static org.assertj.core.api.Assertions.assertThat;

import io.arrowtensor.Options;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Where calls end up in plans, and what Spark still does around them. */
class PlansTest {
  private static final SparkSession SPARK = Local.SPARK;

  @AfterEach
  void nothingIsHeld() {
    Local.assertNothingHeld();
  }

  @Test
  void filtersAboveAScoredViewReachTheParquetReader() {
    SPARK.sql("select id, k, score(a, b) as y from t").createOrReplaceTempView("scored");
    String query = "select id, y from scored where k = 3 and y > 5000 and id < 12000";
    assertThat(Local.plan(query))
        .as("predicates at the reader")
        .containsPattern("PushedFilters: \\[.*EqualTo\\(k,3\\).*LessThan\\(id,12000\\)");
    assertThat(Local.rows(query))
        .as("rows")
        .hasSameSizeAs(Local.rows("select id from t where k = 3 and a + b > 5000 and id < 12000"));
  }

  @Test
  void aResultThatNobodyReadsIsNotComputed() {
    Dataset<Row> unused = SPARK.sql("select sum(id) from (select id, score(a, b) as y from t)");
    assertThat(Local.plan(unused)).as("plan").doesNotContain("MapTensors");
  }

  @Test
  void columnsThatNobodyReadsStayInTheFile() {
    assertThat(Local.plan("select score(a, b) from t"))
        .as("plan")
        .contains("ReadSchema: struct<a:float,b:double>");
  }

  @Test
  void equalCallsAreEvaluatedOnce() {
    String query =
        "select score(a, b) as y, score(a, b) * 2 as z from t where score(a, b) > 10"
            + " order by score(a, b)";
    assertThat(count("MapTensors", Local.plan(query))).as("evaluations").isEqualTo(1);
  }

  @Test
  void equalCallsOnComputedArgumentsAreEvaluatedOnce() {
    String query = "select score(a + 1, b) as y from t where score(a + 1, b) > 10";
    assertThat(count("MapTensors", Local.plan(query))).as("evaluations").isEqualTo(1);
    assertThat(Local.rows(query))
        .as("rows")
        .hasSameSizeAs(Local.rows("select a from t where a + 1 + b > 10"));
  }

  @Test
  void nestedCallsPassColumnsOnWithoutRowsBetween() {
    Dataset<Row> nested = SPARK.sql("select id, score(score(a, b), b) as y from t");
    assertThat(count("MapTensors", Local.plan(nested))).as("evaluations").isEqualTo(2);
    assertThat(Local.plan(nested)).as("plan").doesNotContain("RowToColumnar");
    List<Row> expected = Local.rows("select id, cast(a as double) + b + b as y from t order by id");
    assertThat(nested.orderBy("id").collectAsList()).as("rows").isEqualTo(expected);
  }

  @Test
  void reorderedAndRenamedColumnsStayColumns() {
    Dataset<Row> reordered =
        SPARK.table("t").select("b", "id", "a").withColumnRenamed("b", "second");
    Dataset<Row> scored = Tensors.map(reordered, new Sum(), Options.defaults(), "a", "second");
    assertThat(Local.plan(scored)).as("plan").doesNotContain("RowToColumnar");
    assertThat(scored.columns()).as("columns").containsExactly("second", "id", "a", "y");
    assertThat(scored.where("y <> cast(a as double) + second").count()).as("wrong rows").isZero();
  }

  @Test
  void aFilteredTableStaysColumns() {
    for (String offHeap : List.of("true", "false")) {
      Local.with(
          List.of("spark.sql.columnVector.offheap.enabled", offHeap),
          () -> {
            String query = "select id, s, n, a, b, score(a, b) as y from t where k in (3, 4)";
            assertThat(Local.plan(query))
                .as("plan")
                .contains("FilterColumns")
                .doesNotContain("RowToColumnar");
            Dataset<Row> scored = SPARK.sql(query);
            Dataset<Row> plain = SPARK.sql(query.replace("score(a, b)", "cast(a as double) + b"));
            assertThat(scored.collectAsList())
                .as("rows")
                .containsExactlyInAnyOrderElementsOf(plain.collectAsList());
          });
    }
  }

  @Test
  void batchesThatPassAFilterWholeAreNotCopied() {
    Local.with(
        List.of("spark.sql.columnVector.offheap.enabled", "true"),
        () -> {
          Dataset<Row> scored = SPARK.sql("select score(a, b) as y from t where a >= 0");
          assertThat(scored.collectAsList()).as("rows").hasSize(Local.ROWS);
          assertThat(Local.metric(scored, CallMetrics.ZERO_COPY))
              .as("bytes without copy")
              .isEqualTo(12L * Local.ROWS);
        });
  }

  @Test
  void aPartitionedTableStaysColumns() {
    SPARK
        .sql("select a, b, k from t")
        .write()
        .mode("overwrite")
        .partitionBy("k")
        .parquet(Local.file("partitioned"));
    Dataset<Row> table = SPARK.read().parquet(Local.file("partitioned"));
    Dataset<Row> scored = Tensors.map(table, new Sum(), Options.defaults(), "k", "a");
    assertThat(Local.plan(scored)).as("plan").doesNotContain("RowToColumnar");
    assertThat(scored.where("y = cast(a as double) + k").count())
        .as("right rows")
        .isEqualTo(Local.ROWS);
  }

  @Test
  void aWideTableIsTransposedAndThePlanSaysWhatToSet() {
    String[] columns =
        IntStream.range(0, 120).mapToObj(i -> "a + " + i + " as c" + i).toArray(String[]::new);
    SPARK.table("t").selectExpr(columns).write().mode("overwrite").parquet(Local.file("wide"));
    Dataset<Row> table = SPARK.read().parquet(Local.file("wide"));
    Dataset<Row> scored = Tensors.map(table, new Sum(), Options.defaults(), table.columns());
    assertThat(Local.plan(scored))
        .as("plan")
        .contains("rows transposed below", "spark.sql.codegen.maxFields");
    assertThat(scored.where("y <> 120D * c0 + 7140").count()).as("wrong rows").isZero();
    Local.with(
        List.of("spark.sql.codegen.maxFields", "1000"),
        () ->
            assertThat(Local.plan(Tensors.map(table, new Sum(), Options.defaults(), "c1")))
                .as("plan with the setting")
                .doesNotContain("rows transposed below"));
  }

  @Test
  void severalResultsAreColumnsOfMapAndAStructInSql() {
    Dataset<Row> mapped =
        Tensors.map(SPARK.table("t"), new SumAndProduct(), Options.defaults(), "a", "b");
    assertThat(count("MapTensors", Local.plan(mapped))).as("evaluations").isEqualTo(1);
    assertThat(mapped.columns()).as("columns").endsWith("total", "product");
    assertThat(mapped.where("total <> cast(a as double) + b or product <> a * b").count())
        .as("wrong rows")
        .isZero();
    String sql =
        "select pair(a, b).total as x, pair(a, b) as s from t where pair(a, b).product > 9";
    assertThat(count("MapTensors", Local.plan(sql))).as("evaluations in SQL").isEqualTo(1);
    assertThat(SPARK.sql(sql).where("x <> s.total").count()).as("wrong rows in SQL").isZero();
  }

  @Test
  void aCachedTableIsScoredOnce() {
    Dataset<Row> scored = SPARK.sql("select id, score(a, b) as y from t").cache();
    try {
      assertThat(scored.count()).as("rows").isEqualTo(Local.ROWS);
      assertThat(Local.plan("select id, y from (select id, score(a, b) as y from t) where id < 5"))
          .as("plan of an equal query")
          .contains("InMemoryTableScan");
      assertThat(scored.where("y < 0").count()).as("wrong rows").isZero();
    } finally {
      scored.unpersist(true);
    }
  }

  @Test
  void aCachedTableIsAnInput() {
    Dataset<Row> input = SPARK.sql("select id, a, b from t").cache();
    try {
      Dataset<Row> scored = Tensors.map(input, new Sum(), Options.defaults(), "a", "b");
      assertThat(scored.where("y = cast(a as double) + b").count())
          .as("right rows")
          .isEqualTo(Local.ROWS);
    } finally {
      input.unpersist(true);
    }
  }

  @Test
  void aRegisteredNameBelongsToItsSessionAsTemporaryFunctionsDo() {
    assertThat(SPARK.newSession().catalog().functionExists("score")).as("new session").isFalse();
    SparkSession clone = ((org.apache.spark.sql.classic.SparkSession) SPARK).cloneSession();
    assertThat(clone.sql("select score(1.0D, 2.0D)").collectAsList())
        .as("cloned session")
        .first()
        .hasToString("[3.0]");
  }

  private static int count(String word, String text) {
    return text.split(word, -1).length - 1;
  }
}
