package io.arrowtensor.spark;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.apache.spark.rdd.RDD;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.AttributeSet;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.NamedExpression;
import org.apache.spark.sql.catalyst.expressions.SortOrder;
import org.apache.spark.sql.catalyst.plans.physical.Partitioning;
import org.apache.spark.sql.execution.SparkPlan;
import org.apache.spark.sql.execution.metric.SQLMetric;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import org.jspecify.annotations.Nullable;
import scala.collection.immutable.IndexedSeq;
import scala.collection.immutable.Seq;

/**
 * Runs one call over columnar batches: the child's columns are passed on as they are, the results
 * are appended. Rows never appear here; where the child gives rows, Spark transposes them.
 */
final class MapTensorsExec extends SparkPlan {
  private static final long serialVersionUID = 1;

  /**
   * Spark sends plans to tasks in closures; what a task needs of the call is in {@link CallTask}.
   */
  private final transient TensorCall call;

  private final Seq<Attribute> appended;
  private final Release release;
  private final SparkPlan child;
  private transient @Nullable CallMetrics metrics;

  MapTensorsExec(TensorCall call, Seq<Attribute> appended, Release release, SparkPlan child) {
    this.call = call;
    this.appended = appended;
    this.release = release;
    this.child = child;
  }

  SparkPlan child() {
    return child;
  }

  MapTensorsExec withRelease(Release other) {
    return copy(call, appended, other, child);
  }

  TensorCall call() {
    return call;
  }

  @Override
  public boolean supportsColumnar() {
    return true;
  }

  @Override
  public Seq<Attribute> output() {
    return Seqs.concat(child.output(), appended);
  }

  @Override
  public AttributeSet producedAttributes() {
    return Seqs.attributeSet(appended);
  }

  @Override
  public Partitioning outputPartitioning() {
    return child.outputPartitioning();
  }

  @Override
  public Seq<SortOrder> outputOrdering() {
    return child.outputOrdering();
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
  public RDD<InternalRow> doExecute() {
    throw new UnsupportedOperationException(
        "Cannot execute " + call + " by rows: it is planned for columns only");
  }

  @Override
  public RDD<ColumnarBatch> doExecuteColumnar() {
    CallTask task = CallTask.of(call, ordinals(), release, callMetrics(), session());
    return child.executeColumnar().toJavaRDD().mapPartitions(task).rdd();
  }

  private List<Integer> ordinals() {
    List<Integer> ordinals = new ArrayList<>();
    for (Expression argument : Seqs.list(call.children())) {
      ordinals.add(Seqs.indexOf(child.output(), (NamedExpression) argument));
    }
    return ordinals;
  }

  @Override
  public String argString(int maxFields) {
    String transposed = Transposition.of(child);
    return call
        + " AS "
        + appended.mkString("[", ", ", "]")
        + (transposed.isEmpty() ? "" : ", rows transposed below: " + transposed);
  }

  @Override
  public Seq<SparkPlan> children() {
    return Seqs.of(List.of(child));
  }

  @Override
  public SparkPlan withNewChildrenInternal(IndexedSeq<SparkPlan> replacements) {
    return copy(call, appended, release, replacements.apply(0));
  }

  @Override
  public SparkPlan clone() {
    return copy(call, appended, release, child.clone());
  }

  @Override
  @SuppressWarnings("unchecked") // Spark passes back what productElement gave, transformed
  public SparkPlan makeCopy(Object[] elements) {
    return copy(
        (TensorCall) elements[0],
        (Seq<Attribute>) elements[1],
        (Release) elements[2],
        (SparkPlan) elements[3]);
  }

  /**
   * A node takes its session from the thread that makes it, which may not have one while Spark
   * replans.
   */
  private MapTensorsExec copy(
      TensorCall call, Seq<Attribute> appended, Release release, SparkPlan child) {
    MapTensorsExec copy =
        session().withActive(() -> new MapTensorsExec(call, appended, release, child));
    copy.copyTagsFrom(this);
    return copy;
  }

  @Override
  public int productArity() {
    return 4;
  }

  @Override
  public Object productElement(int n) {
    return switch (n) {
      case 0 -> call;
      case 1 -> appended;
      case 2 -> release;
      case 3 -> child;
      default -> throw new IndexOutOfBoundsException(n);
    };
  }

  @Override
  public boolean canEqual(Object other) {
    return other instanceof MapTensorsExec;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof MapTensorsExec that
        && call.equals(that.call)
        && appended.equals(that.appended)
        && release == that.release
        && child.equals(that.child);
  }

  @Override
  public int hashCode() {
    return Objects.hash(call, child);
  }
}
