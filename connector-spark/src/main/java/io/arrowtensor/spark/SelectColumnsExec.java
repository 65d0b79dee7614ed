package io.arrowtensor.spark;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.apache.spark.rdd.RDD;
import org.apache.spark.sql.catalyst.InternalRow;
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
import scala.collection.immutable.IndexedSeq;
import scala.collection.immutable.Seq;

/**
 * A projection that only reorders, drops or renames columns, done on the batches: Spark's own is
 * row-based, and would have every column copied to rows and back below a {@link MapTensorsExec}.
 */
final class SelectColumnsExec extends SparkPlan {
  private static final long serialVersionUID = 1;

  private final Seq<NamedExpression> columns;
  private final SparkPlan child;

  SelectColumnsExec(Seq<NamedExpression> columns, SparkPlan child) {
    this.columns = columns;
    this.child = child;
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
  public boolean supportsColumnar() {
    return true;
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
    return new ProjectExec(columns, child).outputPartitioning();
  }

  @Override
  public Seq<SortOrder> outputOrdering() {
    return new ProjectExec(columns, child).outputOrdering();
  }

  @Override
  public RDD<InternalRow> doExecute() {
    throw new UnsupportedOperationException(
        "Cannot select columns by rows: it is planned for columns only");
  }

  @Override
  public RDD<ColumnarBatch> doExecuteColumnar() {
    int[] ordinals = ordinals();
    return child.executeColumnar().toJavaRDD().map(batch -> select(batch, ordinals)).rdd();
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
        .mapToInt(column -> Seqs.indexOf(child.output(), Objects.requireNonNull(source(column))))
        .toArray();
  }

  @Override
  public Seq<SparkPlan> children() {
    return Seqs.of(List.of(child));
  }

  @Override
  public SparkPlan withNewChildrenInternal(IndexedSeq<SparkPlan> replacements) {
    return copy(columns, replacements.apply(0));
  }

  @Override
  public SparkPlan clone() {
    return copy(columns, child.clone());
  }

  @Override
  @SuppressWarnings("unchecked") // Spark passes back what productElement gave, transformed
  public SparkPlan makeCopy(Object[] elements) {
    return copy((Seq<NamedExpression>) elements[0], (SparkPlan) elements[1]);
  }

  private SelectColumnsExec copy(Seq<NamedExpression> columns, SparkPlan child) {
    SelectColumnsExec copy = session().withActive(() -> new SelectColumnsExec(columns, child));
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
      case 0 -> columns;
      case 1 -> child;
      default -> throw new IndexOutOfBoundsException(n);
    };
  }

  @Override
  public boolean canEqual(Object other) {
    return other instanceof SelectColumnsExec;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof SelectColumnsExec that
        && columns.equals(that.columns)
        && child.equals(that.child);
  }

  @Override
  public int hashCode() {
    return Objects.hash(columns, child);
  }
}
