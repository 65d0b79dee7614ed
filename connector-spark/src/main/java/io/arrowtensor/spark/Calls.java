package io.arrowtensor.spark;

import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.SubqueryExpression;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;

/** Finds calls in expressions and plans. */
final class Calls {
  private Calls() {}

  /** Whether {@code plan}, or a subquery in it, holds a call that is not extracted yet. */
  static boolean anywhereIn(LogicalPlan plan) {
    return plan.exists(Calls::atOrInSubqueriesOf);
  }

  private static boolean atOrInSubqueriesOf(LogicalPlan operator) {
    if (operator instanceof MapTensors) {
      return false;
    }
    for (Expression expression : Seqs.list(operator.expressions())) {
      if (in(expression)
          || expression.exists(
              e -> e instanceof SubqueryExpression subquery && anywhereIn(subquery.plan()))) {
        return true;
      }
    }
    return false;
  }

  static boolean in(Expression expression) {
    return expression.exists(e -> e instanceof TensorCall);
  }

  /** The calls without another call in their arguments, equal ones once. */
  static List<TensorCall> innermost(Iterable<? extends Expression> expressions) {
    List<TensorCall> found = new ArrayList<>();
    for (Expression expression : expressions) {
      collect(expression, found);
    }
    return found;
  }

  private static void collect(Expression expression, List<TensorCall> found) {
    boolean nested = false;
    for (Expression child : Seqs.list(expression.children())) {
      nested |= in(child);
      collect(child, found);
    }
    if (expression instanceof TensorCall call
        && !nested
        && found.stream().noneMatch(other -> same(other, call))) {
      found.add(call);
    }
  }

  /** Whether one evaluation serves both; of a function that may vary, only the very same call. */
  @SuppressWarnings("ReferenceEquality")
  static boolean same(TensorCall first, TensorCall second) {
    return first == second || first.semanticEquals(second);
  }
}
