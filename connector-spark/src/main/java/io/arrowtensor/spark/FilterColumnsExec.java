package io.arrowtensor.spark;

import java.util.List;
import org.apache.spark.TaskContext;
import org.apache.spark.rdd.RDD;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.BasePredicate;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.Predicate;
import org.apache.spark.sql.execution.FilterExec;
import org.apache.spark.sql.execution.SparkPlan;
import org.apache.spark.sql.execution.metric.SQLMetric;
import org.apache.spark.sql.execution.metric.SQLMetrics;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import org.jspecify.annotations.Nullable;
import scala.Tuple2;
import scala.collection.immutable.Seq;

/**
 * A filter on batches: Spark's own is row-based, and would have every column copied to rows and
 * back below a {@link MapTensorsExec}, also where all rows pass.
 */
final class FilterColumnsExec extends ColumnarExec {
  private static final long serialVersionUID = 1;

  private final Expression condition;
  private transient scala.collection.immutable.@Nullable Map<String, SQLMetric> metrics;

  FilterColumnsExec(Expression condition, SparkPlan child) {
    super(child, condition);
    this.condition = condition;
  }

  @Override
  ColumnarExec with(Object[] parts, SparkPlan child) {
    return new FilterColumnsExec((Expression) parts[0], child);
  }

  /** Whether the rows of {@code filter} can be copied column by column. */
  static boolean replaces(FilterExec filter) {
    return Seqs.list(filter.child().output()).stream()
        .allMatch(column -> ColumnGather.supports(column.dataType()));
  }

  /** A column that the condition requires to be there is not null any more. */
  @Override
  public Seq<Attribute> output() {
    return new FilterExec(condition, child()).output();
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
  public RDD<ColumnarBatch> doExecuteColumnar() {
    Expression condition = this.condition;
    Seq<Attribute> columns = child().output();
    StructType schema = child().schema();
    boolean offHeap = conf().offHeapColumnVectorEnabled();
    SQLMetric accepted = metrics().apply("numOutputRows");
    SQLMetric copied = metrics().apply("numCopiedRows");
    return child()
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
}
