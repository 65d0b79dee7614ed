package io.arrowtensor.spark;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.apache.spark.rdd.RDD;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.SortOrder;
import org.apache.spark.sql.catalyst.plans.physical.Partitioning;
import org.apache.spark.sql.execution.SparkPlan;
import org.jspecify.annotations.Nullable;
import scala.collection.immutable.IndexedSeq;
import scala.collection.immutable.Seq;

/**
 * An operator from batches to batches with one child: what Spark's plan trees ask of every node. A
 * node is its parts, in the order of its constructor, and its child.
 */
abstract class ColumnarExec extends SparkPlan {
  private static final long serialVersionUID = 1;

  /** Null in tasks: Spark sends plans there in closures, and what a task needs is sent apart. */
  private final transient Object @Nullable [] parts;

  private final int partCount;
  private final SparkPlan child;

  ColumnarExec(SparkPlan child, Object... parts) {
    this.child = child;
    this.parts = parts;
    this.partCount = parts.length;
  }

  /** A node of the same class with other parts and another child. */
  abstract ColumnarExec with(Object[] parts, SparkPlan child);

  final SparkPlan child() {
    return child;
  }

  /**
   * A copy that keeps the tags. A node takes its session from the thread that makes it, which may
   * not have one while Spark replans.
   */
  final ColumnarExec copy(Object[] parts, SparkPlan child) {
    ColumnarExec copy = session().withActive(() -> with(parts, child));
    copy.copyTagsFrom(this);
    return copy;
  }

  private Object[] parts() {
    return Objects.requireNonNull(parts, "plans are copied on the driver only");
  }

  @Override
  public boolean supportsColumnar() {
    return true;
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
  public RDD<InternalRow> doExecute() {
    throw new UnsupportedOperationException(
        "Cannot execute " + nodeName() + " by rows: it is planned for columns only");
  }

  @Override
  public Seq<SparkPlan> children() {
    return Seqs.of(List.of(child));
  }

  @Override
  public SparkPlan withNewChildrenInternal(IndexedSeq<SparkPlan> replacements) {
    return copy(parts(), replacements.apply(0));
  }

  @Override
  public SparkPlan clone() {
    return copy(parts(), child.clone());
  }

  /** Spark passes back what {@link #productElement} gave, transformed. */
  @Override
  public SparkPlan makeCopy(Object[] elements) {
    return copy(Arrays.copyOf(elements, partCount), (SparkPlan) elements[partCount]);
  }

  @Override
  public int productArity() {
    return partCount + 1;
  }

  @Override
  public @Nullable Object productElement(int n) {
    return n == partCount ? child : parts == null ? null : parts[n];
  }

  @Override
  public boolean canEqual(Object other) {
    return other != null && getClass() == other.getClass();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof ColumnarExec that
        && that.canEqual(this)
        && Arrays.equals(parts, that.parts)
        && child.equals(that.child);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(parts) * 31 + child.hashCode();
  }
}
