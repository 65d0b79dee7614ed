package io.arrowtensor.spark;

import io.arrowtensor.BatchFunction;
import io.arrowtensor.Nulls;
import io.arrowtensor.Options;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.catalyst.expressions.Alias;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.GetStructField;
import org.apache.spark.sql.catalyst.expressions.NamedExpression;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.Project;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.types.StructType;
import scala.Function2;
import scala.Option;

/**
 * Runs batch functions over Spark tables. The function's columns reach it as the executor holds
 * them; Spark prunes, pushes filters down and joins around the call as around an expression of its
 * own.
 *
 * <p>Nothing needs to be configured. Columns cross without a copy when Spark keeps them outside the
 * Java heap: {@code spark.memory.offHeap.enabled=true} with {@code spark.memory.offHeap.size}, or
 * {@code spark.sql.columnVector.offheap.enabled=true}.
 *
 * <p><b>Values.</b> A function with one result column makes a scalar, one with several a struct.
 * The function is assumed to give the same results for the same row. As Spark's Python functions,
 * it is evaluated for all rows of the operator that uses it, also where a {@code CASE} would not
 * need the value.
 *
 * <p>Methods may be called from any thread that may use the session.
 */
public final class Tensors {
  private Tensors() {}

  /**
   * The rows of {@code table} with the function's result columns behind its own.
   *
   * <p>Throws Spark's AnalysisException when a column is missing or does not fit the function.
   *
   * @param table any DataFrame
   * @param function serialized to the tasks; each has an instance of its own
   * @param options policies for nulls, copies and logical types
   * @param columns the columns that the function gets, in this order
   */
  public static Dataset<Row> map(
      Dataset<Row> table, BatchFunction function, Options options, String... columns) {
    SparkSession session = Sessions.classic(table.sparkSession());
    org.apache.spark.sql.classic.Dataset<Row> rows =
        (org.apache.spark.sql.classic.Dataset<Row>) table;
    List<Expression> arguments = new ArrayList<>();
    for (String column : columns) {
      arguments.add((Expression) rows.resolve(column));
    }
    String name = function.getClass().getSimpleName();
    TensorFunction named = TensorFunction.of(name.isEmpty() ? "function" : name, function, options);
    TensorCall call = session.withActive(() -> TensorCall.of(named, Seqs.of(arguments)));
    LogicalPlan child = rows.logicalPlan();
    requireNewNames(session, child, call.signature().results());
    return org.apache.spark.sql.classic.Dataset.ofRows(session, withResults(child, call));
  }

  /**
   * Makes {@code function} callable as {@code name} in the SQL and DataFrame expressions of {@code
   * session} and of sessions cloned from it, as Spark does with temporary functions; another
   * registration of the name replaces it.
   *
   * <p>Throws Spark's AnalysisException for a session that cannot plan tensor functions.
   *
   * @param function serialized to the tasks; each has an instance of its own
   * @param options policies for nulls, copies and logical types
   */
  public static void register(
      org.apache.spark.sql.SparkSession session,
      String name,
      BatchFunction function,
      Options options) {
    TensorFunction named = TensorFunction.of(name, function, options);
    Sessions.classic(session)
        .sessionState()
        .functionRegistry()
        .createOrReplaceTempFunction(
            name, arguments -> TensorCall.of(named, arguments), "java_udf");
  }

  /**
   * As {@link #register(org.apache.spark.sql.SparkSession, String, BatchFunction, Options)} with
   * null in, null out ({@link Nulls#PROPAGATE}).
   */
  public static void register(
      org.apache.spark.sql.SparkSession session, String name, BatchFunction function) {
    register(session, name, function, Options.defaults().withNulls(Nulls.PROPAGATE));
  }

  /** The call once, then its results as columns. */
  private static LogicalPlan withResults(LogicalPlan child, TensorCall call) {
    StructType results = call.signature().results();
    Alias value = Aliases.of(call, results.length() == 1 ? results.fieldNames()[0] : "results");
    List<NamedExpression> columns = new ArrayList<>(Seqs.list(child.output()));
    columns.add(value);
    Project project = new Project(Seqs.of(columns), child);
    if (results.length() == 1) {
      return project;
    }
    List<NamedExpression> output = new ArrayList<>(Seqs.list(child.output()));
    for (int i = 0; i < results.length(); i++) {
      String name = results.fieldNames()[i];
      output.add(Aliases.of(new GetStructField(value.toAttribute(), i, Option.apply(name)), name));
    }
    return new Project(Seqs.of(output), project);
  }

  private static void requireNewNames(SparkSession session, LogicalPlan child, StructType results) {
    Function2<String, String, Object> same = session.sessionState().conf().resolver();
    for (Attribute column : Seqs.list(child.output())) {
      for (String result : results.fieldNames()) {
        if ((Boolean) same.apply(column.name(), result)) {
          throw Refusals.analysis(
              "Cannot append result column '"
                  + result
                  + "': the table has a column of that name; rename the table's column first");
        }
      }
    }
  }
}
