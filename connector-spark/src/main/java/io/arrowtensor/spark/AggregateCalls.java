package io.arrowtensor.spark;

import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.catalyst.expressions.Alias;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.NamedExpression;
import org.apache.spark.sql.catalyst.expressions.aggregate.AggregateExpression;
import org.apache.spark.sql.catalyst.plans.logical.Aggregate;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.Project;

/**
 * Calls in an aggregation: those in grouping expressions and inside aggregate functions are
 * evaluated on the rows below; those on groups and aggregated values on the result above.
 */
final class AggregateCalls {
  private final Aggregate aggregate;
  private final List<Expression> grouping;
  private final List<NamedExpression> aggregated = new ArrayList<>();
  private final List<NamedExpression> projected = new ArrayList<>();

  private AggregateCalls(Aggregate aggregate) {
    this.aggregate = aggregate;
    this.grouping = Seqs.list(aggregate.groupingExpressions());
  }

  static LogicalPlan extract(Aggregate aggregate) {
    return new AggregateCalls(aggregate).extract();
  }

  private LogicalPlan extract() {
    List<NamedExpression> outputs = Seqs.list(aggregate.aggregateExpressions());
    if (outputs.stream().noneMatch(output -> callsOnGroups((Expression) output))) {
      return CallExtraction.below(aggregate);
    }
    for (NamedExpression output : outputs) {
      if (callsOnGroups((Expression) output)) {
        projected.add((NamedExpression) lift((Expression) output));
      } else {
        aggregated.add(output);
        projected.add(output.toAttribute());
      }
    }
    Aggregate inner =
        new Aggregate(
            aggregate.groupingExpressions(),
            Seqs.of(aggregated),
            aggregate.child(),
            aggregate.hint());
    LogicalPlan groups = CallExtraction.below(inner);
    return CallExtraction.below(new Project(Seqs.of(projected), groups));
  }

  private boolean callsOnGroups(Expression expression) {
    if (belongsToGroups(expression)) {
      return false;
    }
    return expression instanceof TensorCall
        || Seqs.list(expression.children()).stream().anyMatch(this::callsOnGroups);
  }

  private boolean belongsToGroups(Expression expression) {
    return expression instanceof AggregateExpression
        || grouping.stream().anyMatch(group -> group.semanticEquals(expression));
  }

  /** The expression over the aggregation's output. */
  private Expression lift(Expression expression) {
    if (!belongsToGroups(expression)) {
      return expression.mapChildren(this::lift);
    }
    for (NamedExpression known : aggregated) {
      Expression definition = known instanceof Alias alias ? alias.child() : (Expression) known;
      if (definition.semanticEquals(expression)) {
        return known.toAttribute();
      }
    }
    NamedExpression named =
        expression instanceof NamedExpression attribute
            ? attribute
            : Aliases.of(expression, expression.sql());
    aggregated.add(named);
    return named.toAttribute();
  }
}
