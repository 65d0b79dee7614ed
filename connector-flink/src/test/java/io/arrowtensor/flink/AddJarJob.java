package io.arrowtensor.flink;

import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;
import org.apache.flink.types.Row;
import org.apache.flink.util.CloseableIterator;

/**
 * A query in a process of its own that has Flink on its class path and nothing of this library but
 * what its arguments name: the model, and the jar to add unless that is on the class path already.
 */
final class AddJarJob {
  private AddJarJob() {}

  @SuppressWarnings("try") // an interrupt ends the process
  public static void main(String[] arguments) throws Exception {
    TableEnvironment tables = TableEnvironment.create(EnvironmentSettings.inStreamingMode());
    if (arguments.length > 1) {
      try {
        Class<?> found = Class.forName("io.arrowtensor.BatchFunction");
        throw new IllegalStateException("this process has " + found + " already");
      } catch (ClassNotFoundException e) {
        tables.executeSql("ADD JAR '" + arguments[1] + "'");
      }
    }
    tables.executeSql(
        "CREATE MODEL m INPUT (a FLOAT, b FLOAT) OUTPUT (s FLOAT)"
            + " WITH ('provider' = 'tensor', 'model' = '"
            + arguments[0]
            + "')");
    tables.createTemporaryView(
        "v", tables.sqlQuery("SELECT CAST(1 AS FLOAT) AS a, CAST(2.5 AS FLOAT) AS b"));
    try (CloseableIterator<Row> rows =
        tables
            .executeSql("SELECT s FROM ML_PREDICT(TABLE v, MODEL m, DESCRIPTOR(a, b))")
            .collect()) {
      rows.forEachRemaining(row -> System.out.println("scored " + row));
    }
    System.exit(0); // Flink's threads of a local cluster may live on
  }
}
