package io.arrowtensor.flink;

import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.RuntimeExecutionMode;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.ExecutionOptions;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.Table;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;
import org.apache.flink.types.Row;
import org.apache.flink.util.CloseableIterator;

/** Queries of one session, on one subtask unless the configuration says more. */
final class SqlJob {
  final StreamExecutionEnvironment environment;
  final StreamTableEnvironment tables;

  SqlJob(Configuration configuration, RuntimeExecutionMode mode) {
    configuration.set(ExecutionOptions.RUNTIME_MODE, mode);
    environment = StreamExecutionEnvironment.createLocalEnvironment(1, configuration);
    tables = StreamTableEnvironment.create(environment);
  }

  static SqlJob streaming() {
    return new SqlJob(new Configuration(), RuntimeExecutionMode.STREAMING);
  }

  SqlJob sql(String statement) {
    tables.executeSql(statement);
    return this;
  }

  /** The table {@code t}: id BIGINT, a FLOAT = id, b FLOAT = 2 * id. */
  SqlJob numbers(long rows) {
    TypeInformation<Row> type =
        Types.ROW_NAMED(new String[] {"id", "a", "b"}, Types.LONG, Types.FLOAT, Types.FLOAT);
    tables.createTemporaryView(
        "t",
        tables.fromDataStream(
            environment
                .fromSequence(0, rows - 1)
                .map(id -> Row.of(id, (float) id, 2F * id))
                .returns(type)));
    return this;
  }

  /** A table of {@code name} with these rows. */
  SqlJob values(String name, String columns, String... rows) {
    tables.createTemporaryView(
        name,
        tables.sqlQuery(
            "SELECT * FROM (VALUES %s) AS v (%s)".formatted(String.join(", ", rows), columns)));
    return this;
  }

  Table query(String query) {
    return tables.sqlQuery(query);
  }

  @SuppressWarnings("try") // an interrupt fails the test, as it should
  List<Row> rows(String query) throws Exception {
    List<Row> rows = new ArrayList<>();
    try (CloseableIterator<Row> all = query(query).execute().collect()) {
      all.forEachRemaining(rows::add);
    }
    return rows;
  }
}
