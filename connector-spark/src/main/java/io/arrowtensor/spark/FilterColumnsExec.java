package io.arrowtensor.spark;

import java.util.List;
import java.util.Objects;
import org.apache.spark.TaskContext;
import org.apache.spark.rdd.RDD;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.BasePredicate;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.Predicate;
import org.apache.spark.sql.catalyst.expressions.SortOrder;
import org.apache.spark.sql.catalyst.plans.physical.Partitioning;
import org.apache.spark.sql.execution.FilterExec;
import org.apache.spark.sql.execution.SparkPlan;
import org.apache.spark.sql.execution.metric.SQLMetric;
import org.apache.spark.sql.execution.metric.SQLMetrics;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import org.jspecify.annotations.Nullable;
import scala.Tuple2;
import scala.collection.immutable.IndexedSeq;
import scala.collection.immutable.Seq;

/**
 * A filter on batches: Spark's own is row-based, and would have every column copied to rows and
 * back below a {@link MapTensorsExec}, also where all rows pass.
 */
final class FilterColumnsExec extends SparkPlan {
  private static final long serialVersionUID = 1;

  private final Expression condition;
  private final SparkPlan child;
  private transient scala.collection.immutable.@Nullable Map<String, SQLMetric> metrics;

  FilterColumnsExec(Expression condition, SparkPlan child) {
    this.condition = condition;
    this.child = child;
  }

  /** Whether the rows of {@code filter} can be copied column by column. */
  static boolean replaces(FilterExec filter) {
    return Seqs.list(filter.child().output()).stream()
        .allMatch(column -> ColumnGather.supports(column.dataType()));
  }

  @Override
  public boolean supportsColumnar() {
    return true;
  }

  /** A column that the condition requires to be there is not null any more. */
  @Override
  public Seq<Attribute> output() {
    return new FilterExec(condition, child).output();
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
  public synchronized scala.collection.immutable.Map<String, SQLMetric> metrics() {
    if (metrics == null) {
      metrics =
          scala.collection.immutable.Map.from(
              Seqs.of(
                  List.of(
                      metric("numOutputRows", "number of output rows"),
                      metric("numCopiedRows", "rows copied from batches that passed in part"))));
    }
    return metrics;
  }

  private Tuple2<String, SQLMetric> metric(String name, String words) {
    return new Tuple2<>(name, SQLMetrics.createMetric(sparkContext(), words));
  }

  @Override
  public RDD<InternalRow> doExecute() {
    throw new UnsupportedOperationException(
        "Cannot filter columns by rows: it is planned for columns only");
  }

  @Override
  public RDD<ColumnarBatch> doExecuteColumnar() {
    Expression condition = this.condition;
    Seq<Attribute> columns = child.output();
    StructType schema = child.schema();
    boolean offHeap = conf().offHeapColumnVectorEnabled();
    SQLMetric accepted = metrics().apply("numOutputRows");
    SQLMetric copied = metrics().apply("numCopiedRows");
    return child
        .executeColumnar()
        .toJavaRDD()
        .mapPartitions(
            batches -> {
              BasePredicate predicate = Predicate.create(condition, columns);
              predicate.initialize(TaskContext.getPartitionId());
              return new FilteredBatches(batches, predicate, schema, offHeap, accepted, copied);
            })
        .rdd();
  }

  @Override
  public Seq<SparkPlan> children() {
    return Seqs.of(List.of(child));
  }

  @Override
  public SparkPlan withNewChildrenInternal(IndexedSeq<SparkPlan> replacements) {
    return copy(condition, replacements.apply(0));
  }

  @Override
  public SparkPlan clone() {
    return copy(condition, child.clone());
  }

  @Override
  public SparkPlan makeCopy(Object[] elements) {
    return copy((Expression) elements[0], (SparkPlan) elements[1]);
  }

  private FilterColumnsExec copy(Expression condition, SparkPlan child) {
    FilterColumnsExec copy = session().withActive(() -> new FilterColumnsExec(condition, child));
    copy.copyTagsFrom(this);
    return copy;
  }

  @Override
  public int productArity() {
    return 2;
  }

  @Override
  public Object productElement(int n) {
    return switch (n) {
      case 0 -> condition;
      case 1 -> child;
      default -> throw new IndexOutOfBoundsException(n);
    };
  }

  @Override
  public boolean canEqual(Object other) {
    return other instanceof FilterColumnsExec;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof FilterColumnsExec that
        && condition.equals(that.condition)
        && child.equals(that.child);
  }

  @Override
  public int hashCode() {
    return Objects.hash(condition, child);
  }
}
