package io.arrowtensor.spark;

import java.util.ArrayList;
import java.util.List;
import org.apache.spark.rdd.RDD;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.AttributeSet;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.NamedExpression;
import org.apache.spark.sql.execution.SparkPlan;
import org.apache.spark.sql.execution.metric.SQLMetric;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import org.jspecify.annotations.Nullable;
import scala.collection.immutable.Seq;

/**
 * Runs one call over columnar batches: the child's columns are passed on as they are, the results
 * are appended. Rows never appear here; where the child gives rows, Spark transposes them.
 */
final class MapTensorsExec extends ColumnarExec {
  private static final long serialVersionUID = 1;

  /**
   * Spark sends plans to tasks in closures; what a task needs of the call is in {@link CallTask}.
   */
  private final transient TensorCall call;

  private final Seq<Attribute> appended;
  private final Release release;
  private transient @Nullable CallMetrics metrics;

  MapTensorsExec(TensorCall call, Seq<Attribute> appended, Release release, SparkPlan child) {
    super(child, call, appended, release);
    this.call = call;
    this.appended = appended;
    this.release = release;
  }

  @Override
  @SuppressWarnings("unchecked") // the parts of this class
  ColumnarExec with(Object[] parts, SparkPlan child) {
    return new MapTensorsExec(
        (TensorCall) parts[0], (Seq<Attribute>) parts[1], (Release) parts[2], child);
  }

  MapTensorsExec withRelease(Release other) {
    return (MapTensorsExec) copy(new Object[] {call, appended, other}, child());
  }

  TensorCall call() {
    return call;
  }

  @Override
  public Seq<Attribute> output() {
    return Seqs.concat(child().output(), appended);
  }

  @Override
  public AttributeSet producedAttributes() {
    return Seqs.attributeSet(appended);
  }

  @Override
  public scala.collection.immutable.Map<String, SQLMetric> metrics() {
    return callMetrics().byName();
  }

  private synchronized CallMetrics callMetrics() {
    if (metrics == null) {
      metrics = CallMetrics.create(sparkContext());
    }
    return metrics;
  }

  @Override
  public RDD<ColumnarBatch> doExecuteColumnar() {
    CallTask task = CallTask.of(call, ordinals(), release, callMetrics(), session());
    return child().executeColumnar().toJavaRDD().mapPartitions(task).rdd();
  }

  private List<Integer> ordinals() {
    List<Integer> ordinals = new ArrayList<>();
    for (Expression argument : Seqs.list(call.children())) {
      ordinals.add(Seqs.indexOf(child().output(), (NamedExpression) argument));
    }
    return ordinals;
  }

  @Override
  public String argString(int maxFields) {
    String transposed = Transposition.of(child());
    return call
        + " AS "
        + appended.mkString("[", ", ", "]")
        + (transposed.isEmpty() ? "" : ", rows transposed below: " + transposed);
  }
}
