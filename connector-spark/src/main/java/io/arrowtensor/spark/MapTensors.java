package io.arrowtensor.spark;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.apache.spark.sql.catalyst.expressions.Alias;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.AttributeSet;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.NamedExpression;
import org.apache.spark.sql.catalyst.expressions.SortOrder;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.Project;
import scala.Option;
import scala.collection.immutable.IndexedSeq;
import scala.collection.immutable.Seq;

/**
 * The logical operator that one extracted call becomes: its child's rows with the result columns
 * appended. The call's arguments are attributes of the child.
 */
final class MapTensors extends LogicalPlan {
  private static final long serialVersionUID = 1;

  private final TensorCall call;
  private final Seq<Attribute> appended;
  private final LogicalPlan child;

  MapTensors(TensorCall call, Seq<Attribute> appended, LogicalPlan child) {
    this.call = call;
    this.appended = appended;
    this.child = child;
  }

  TensorCall call() {
    return call;
  }

  Seq<Attribute> appended() {
    return appended;
  }

  LogicalPlan child() {
    return child;
  }

  /** Whether this operator's results are those of {@code other}, a call over the same rows. */
  boolean computes(TensorCall other) {
    return call.semanticEquals(other) || asWritten().semanticEquals(other);
  }

  /** The call before its computed arguments were given names by a projection below. */
  private TensorCall asWritten() {
    if (!(child instanceof Project project)) {
      return call;
    }
    List<Expression> written = new ArrayList<>();
    for (Expression argument : Seqs.list(call.children())) {
      written.add(definition(project, (Attribute) argument));
    }
    return call.withArguments(written);
  }

  private static Expression definition(Project project, Attribute attribute) {
    for (NamedExpression column : Seqs.list(project.projectList())) {
      if (column instanceof Alias alias && alias.exprId().equals(attribute.exprId())) {
        return alias.child();
      }
    }
    return attribute;
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
  public Option<Object> maxRows() {
    return child.maxRows();
  }

  @Override
  public Option<Object> maxRowsPerPartition() {
    return child.maxRowsPerPartition();
  }

  @Override
  public Seq<SortOrder> outputOrdering() {
    return child.outputOrdering();
  }

  @Override
  public Seq<LogicalPlan> children() {
    return Seqs.of(List.of(child));
  }

  @Override
  public LogicalPlan withNewChildrenInternal(IndexedSeq<LogicalPlan> replacements) {
    return new MapTensors(call, appended, replacements.apply(0));
  }

  @Override
  public LogicalPlan clone() {
    MapTensors copy = new MapTensors(call, appended, child.clone());
    copy.copyTagsFrom(this);
    return copy;
  }

  @Override
  @SuppressWarnings("unchecked") // Spark passes back what productElement gave, transformed
  public LogicalPlan makeCopy(Object[] elements) {
    MapTensors copy =
        new MapTensors(
            (TensorCall) elements[0], (Seq<Attribute>) elements[1], (LogicalPlan) elements[2]);
    copy.copyTagsFrom(this);
    return copy;
  }

  @Override
  public int productArity() {
    return 3;
  }

  @Override
  public Object productElement(int n) {
    return switch (n) {
      case 0 -> call;
      case 1 -> appended;
      case 2 -> child;
      default -> throw new IndexOutOfBoundsException(n);
    };
  }

  @Override
  public boolean canEqual(Object other) {
    return other instanceof MapTensors;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof MapTensors that
        && call.equals(that.call)
        && appended.equals(that.appended)
        && child.equals(that.child);
  }

  @Override
  public int hashCode() {
    return Objects.hash(call, child);
  }
}
