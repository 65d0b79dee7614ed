package io.arrowtensor.spark;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Each query with a call gives what the same query with Spark's own arithmetic gives. */
class SqlScenariosTest {
  /** SCORE stands for the call, and for the arithmetic in Spark's own query. */
  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          select | select id, SCORE as y from t
          where | select id from t where SCORE > 5000 and k = 3
          select and where | select id, SCORE as y from t where SCORE > 5000 and a > 10
          computed around | select id, round(SCORE * 2 + 1, 3) as y from t
          group by call | select SCORE > 5000 as hot, count(*) as c from t group by SCORE > 5000
          group by and aggregate | select k, sum(SCORE) as s, max(SCORE) as m from t group by k
          having | select k, avg(SCORE) as s from t group by k having avg(SCORE) > 5000.5
          order by | select id from t order by SCORE desc, id limit 50
          sort only | select id from t order by SCORE, id
          window | select id, row_number() over (partition by k order by SCORE, id) as r from t
          window aggregate | select id, sum(SCORE) over (partition by k) as r from t where id < 500
          subquery from | select y + 1 as z from (select SCORE as y, k from t) where y > 9000 and k = 2
          scalar subquery | select id from t where SCORE > (select avg(SCORE) from t) and k = 1
          in subquery | select id from t where id in (select id from t where SCORE > 9500)
          not exists | select id from t o where not exists (select 1 from t i where i.id = o.id + 1 and i.a + i.b >= 0 and SCORE2 > o.b)
          self join | select x.id, x.y + z.y as w from (select id, SCORE as y from t) x join (select id, SCORE as y from t) z on x.id = z.id + 1
          join condition one side | select l.id, r.k from t l left join (select distinct k from t) r on l.k = r.k and LSCORE > 9000
          except | select SCORE as y from t except select SCORE as y from t where k < 6
          intersect | select SCORE as y from t intersect select SCORE as y from t where k < 2
          union | select id, SCORE as y from t where k = 1 union all select id, SCORE as y from t where k = 2
          distinct | select distinct floor(SCORE) as y from t
          limit | select SCORE >= 0 as y from t limit 7
          case | select id, case when k > 3 then SCORE else -1D end as y from t
          with | with w as (select id, SCORE as y from t) select l.id, r.y from w l join w r on l.id = r.id where l.y > 9000
          explode | select id, explode(array(SCORE, 1D)) as y from t where id < 100
          grouping sets | select k, s, sum(SCORE) as y from t group by grouping sets ((k), (s))
          rollup on call | select k, floor(SCORE / 1000) as f, count(*) as c from t group by rollup (k, floor(SCORE / 1000))
          one row | select round(CONST, 3) as y
          """)
  void givesWhatSparkGives(String name, String query) {
    Local.with(List.of("spark.sql.columnVector.offheap.enabled", "true"), () -> check(query));
    Local.with(
        List.of("spark.sql.adaptive.enabled", "false", "spark.sql.codegen.wholeStage", "false"),
        () -> check(query));
  }

  private static void check(String query) {
    String scored =
        query
            .replace("LSCORE", "score(l.a, l.b)")
            .replace("SCORE2", "score(i.a, i.b)")
            .replace("CONST", "score(1.5D, 2)")
            .replace("SCORE", "score(a, b)");
    String plain =
        query
            .replace("LSCORE", "(cast(l.a as double) + l.b)")
            .replace("SCORE2", "(cast(i.a as double) + i.b)")
            .replace("CONST", "(1.5D + 2)")
            .replace("SCORE", "(cast(a as double) + b)");
    assertThat(Local.plan(scored)).as("plan of %s", scored).contains("MapTensors score(");
    List<Row> expected = Local.rows(plain);
    assertThat(expected).as("rows of %s", plain).isNotEmpty();
    List<Row> actual = Local.rows(scored);
    if (query.contains("order by SCORE desc") || query.startsWith("select id from t order by")) {
      assertThat(actual).as(scored).containsExactlyElementsOf(expected);
    } else {
      assertThat(actual.stream().map(Row::toString).sorted())
          .as(scored)
          .containsExactlyElementsOf(expected.stream().map(Row::toString).sorted().toList());
    }
  }

  @AfterEach
  void nothingIsHeld() {
    Local.assertNothingHeld();
  }
}
