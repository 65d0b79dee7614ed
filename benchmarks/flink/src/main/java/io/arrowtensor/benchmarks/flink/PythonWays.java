package io.arrowtensor.benchmarks.flink;

import io.arrowtensor.benchmarks.Model;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.table.api.Table;
import org.apache.flink.table.api.TableConfig;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;

/**
 * The same scores in SQL by PyFlink's functions in {@code benchmarks/pyflink_scoring.py}: on
 * batches as pandas has them, and row by row. Needs the Python that runs them first on the {@code
 * PATH}.
 */
final class PythonWays {
  private static final String FILE = "benchmarks/pyflink_scoring.py";
  private static final String BATCH = "python.fn-execution.arrow.batch.size";
  private static final String BUNDLE = "python.fn-execution.bundle.size";
  private static final String MODE = "python.execution-mode";

  private PythonWays() {}

  /**
   * The ways with {@code model}. Batches in process mode only: in thread mode Flink warns that it
   * does not know how, and uses a process. Flink waits for each bundle's results, so Python
   * computes beside Flink only if a bundle has many batches; by default it has one.
   */
  static List<Way> of(Model model) {
    return List.of(
        way(model, "pandas_process", SqlWays.ROWS, batches(1_000, 1_000)),
        way(model, "pandas_process", 4 * SqlWays.ROWS, batches(10_000, 100_000)),
        way(model, "row_by_row_process", SqlWays.ROWS / 16, Map.of(MODE, "process")),
        way(model, "row_by_row_thread", SqlWays.ROWS / 16, Map.of(MODE, "thread")));
  }

  private static Map<String, String> batches(int batch, int bundle) {
    return Map.of(
        MODE, "process", BATCH, Integer.toString(batch), BUNDLE, Integer.toString(bundle));
  }

  private static Way way(Model model, String name, long rows, Map<String, String> settings) {
    Map<String, String> params = new LinkedHashMap<>();
    params.put("model", SqlWays.name(model));
    if (settings.containsKey(BATCH)) {
      params.put("batch", settings.get(BATCH));
      params.put("bundle", settings.get(BUNDLE));
    }
    String function =
        SqlWays.name(model) + (settings.containsKey(BATCH) ? "_of_batches" : "_of_rows");
    return SqlWays.way(
        "pyflink_" + name,
        params,
        rows,
        model,
        tables -> scores(tables, model, function, settings));
  }

  private static Table scores(
      StreamTableEnvironment tables, Model model, String function, Map<String, String> settings) {
    TableConfig config = tables.getConfig().set("python.files", FILE);
    settings.forEach(config::set);
    tables.executeSql(
        "CREATE TEMPORARY FUNCTION score AS 'pyflink_scoring.%s' LANGUAGE PYTHON"
            .formatted(function));
    return tables.sqlQuery(
        "SELECT score(%s, %s) AS score FROM flights".formatted(model.first, model.second));
  }
}
