package io.arrowtensor.spark;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.apache.spark.rdd.RDD;
import org.apache.spark.sql.catalyst.expressions.Alias;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.NamedExpression;
import org.apache.spark.sql.catalyst.expressions.SortOrder;
import org.apache.spark.sql.catalyst.plans.physical.Partitioning;
import org.apache.spark.sql.execution.ProjectExec;
import org.apache.spark.sql.execution.SparkPlan;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import org.jspecify.annotations.Nullable;
import scala.collection.immutable.Seq;

/**
 * A projection that only reorders, drops or renames columns, done on the batches: Spark's own is
 * row-based, and would have every column copied to rows and back below a {@link MapTensorsExec}.
 */
final class SelectColumnsExec extends ColumnarExec {
  private static final long serialVersionUID = 1;

  private final Seq<NamedExpression> columns;

  SelectColumnsExec(Seq<NamedExpression> columns, SparkPlan child) {
    super(child, columns);
    this.columns = columns;
  }

  @Override
  @SuppressWarnings("unchecked") // the parts of this class
  ColumnarExec with(Object[] parts, SparkPlan child) {
    return new SelectColumnsExec((Seq<NamedExpression>) parts[0], child);
  }

  /** Whether {@code projection} computes nothing. */
  static boolean replaces(ProjectExec projection) {
    return Seqs.list(projection.projectList()).stream().allMatch(c -> source(c) != null);
  }

  private static @Nullable Attribute source(NamedExpression column) {
    Expression definition = column instanceof Alias alias ? alias.child() : (Expression) column;
    return definition instanceof Attribute attribute ? attribute : null;
  }

  @Override
  public Seq<Attribute> output() {
    List<Attribute> output = new ArrayList<>();
    for (NamedExpression column : Seqs.list(columns)) {
      output.add(column.toAttribute());
    }
    return Seqs.of(output);
  }

  @Override
  public Partitioning outputPartitioning() {
    return new ProjectExec(columns, child()).outputPartitioning();
  }

  @Override
  public Seq<SortOrder> outputOrdering() {
    return new ProjectExec(columns, child()).outputOrdering();
  }

  @Override
  public RDD<ColumnarBatch> doExecuteColumnar() {
    int[] ordinals = ordinals();
    return child().executeColumnar().toJavaRDD().map(batch -> select(batch, ordinals)).rdd();
  }

  private static ColumnarBatch select(ColumnarBatch batch, int[] ordinals) {
    ColumnVector[] vectors = new ColumnVector[ordinals.length];
    for (int i = 0; i < ordinals.length; i++) {
      vectors[i] = batch.column(ordinals[i]);
    }
    return new ColumnarBatch(vectors, batch.numRows());
  }

  private int[] ordinals() {
    return Seqs.list(columns).stream()
        .mapToInt(column -> Seqs.indexOf(child().output(), Objects.requireNonNull(source(column))))
        .toArray();
  }
}
