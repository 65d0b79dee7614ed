package io.arrowtensor.flink;

import static org.assertj.core.api.Assertions.assertThat;

import io.arrowtensor.engine.OnnxFunction;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;
import org.apache.flink.types.Row;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The two examples of the README's Flink section, with which docs/flink.md begins, too. */
@ExtendWith(NothingHeld.class)
@Timeout(120)
class ExamplesTest {
  private static final Pattern SECTION = Pattern.compile("## Flink\n.*?\n## ", Pattern.DOTALL);
  private static final Pattern SQL = Pattern.compile("```sql\n(.*?)```", Pattern.DOTALL);
  private static final Pattern JAVA = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);

  private static List<Flight> flights() {
    List<Flight> flights = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      flights.add(new Flight(i - 30, 50L * i));
      flights.get(i).id = i;
    }
    return flights;
  }

  @Test
  void aStreamIsScored() throws Exception {
    List<Flight> known = flights();
    StreamExecutionEnvironment environment = StreamExecutionEnvironment.createLocalEnvironment(1);
    DataStream<Flight> flights = environment.fromData(known);
    URI model = PlainOnnx.DELAY.toUri();

    DataStream<Scored> scored =
        TensorStream.of(flights)
            .columns("delay", "distance")
            .maxDelay(Duration.ofMillis(20))
            .map(
                OnnxFunction.of(model),
                (flight, result) -> new Scored(flight.id, result.getFloat(0)));

    double[] expected = PlainOnnx.scores(known);
    List<Scored> all = scored.executeAndCollect(known.size() + 1);
    assertThat(all).as("rows").hasSameSizeAs(known);
    assertThat(all)
        .allSatisfy(row -> assertThat(row.sum).as("%d", row.id).isEqualTo(expected[(int) row.id]));
  }

  /** The statements of both pages, with this machine's model in them. */
  @ParameterizedTest
  @SinceFlink(value = "2.1", feature = "ML_PREDICT")
  @ValueSource(strings = {"README.md", "docs/flink.md"})
  void aTableIsScored(String page) throws Exception {
    List<Flight> known = flights();
    StreamExecutionEnvironment environment = StreamExecutionEnvironment.createLocalEnvironment(1);
    StreamTableEnvironment tables = StreamTableEnvironment.create(environment);
    tables.createTemporaryView("flights", environment.fromData(known));
    String remote = "hdfs:///models/delay.onnx";
    List<String> statements = List.of(sqlOf(page).strip().split(";\\s*"));
    assertThat(statements).as("statements of %s", page).hasSize(3);
    assertThat(statements.get(0)).contains(remote);
    tables.executeSql(statements.get(0).replace(remote, PlainOnnx.DELAY.toUri().toString()));
    Matcher setting = Pattern.compile("SET '(.*)' = '(.*)'").matcher(statements.get(1));
    assertThat(setting.matches()).as(statements.get(1)).isTrue();
    tables.getConfig().set(setting.group(1), setting.group(2));
    double[] expected = PlainOnnx.scores(known);
    List<Row> rows = tables.toDataStream(tables.sqlQuery(statements.get(2))).executeAndCollect(101);
    assertThat(rows).as("rows").hasSameSizeAs(known);
    assertThat(rows)
        .allSatisfy(
            row ->
                assertThat((float) row.getField("score"))
                    .as("%s", row)
                    .isEqualTo((float) expected[((Long) row.getField("id")).intValue()]));
  }

  private static String sqlOf(String page) throws IOException {
    return SQL.matcher(text(page)).results().findFirst().orElseThrow().group(1);
  }

  /** What a page says about Flink. */
  private static String text(String page) throws IOException {
    String text = Files.readString(Path.of("..").resolve(page));
    return page.equals("README.md")
        ? SECTION.matcher(text).results().findFirst().orElseThrow().group()
        : text;
  }

  private static String squeezed(String text) {
    return text.replaceAll("\\s+", "");
  }

  @ParameterizedTest
  @ValueSource(strings = {"README.md", "docs/flink.md"})
  void thePagesBeginWithThisExample(String page) throws Exception {
    String sources = ExamplesTest.class.getName().replace('.', '/') + ".java";
    String here = squeezed(Files.readString(Path.of("src/test/java").resolve(sources)));
    String shown = JAVA.matcher(text(page)).results().findFirst().orElseThrow().group(1);
    assertThat(here).as("this class, with the example of %s", page).contains(squeezed(shown));
  }
}
