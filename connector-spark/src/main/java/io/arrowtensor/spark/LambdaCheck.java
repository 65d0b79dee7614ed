package io.arrowtensor.spark;

import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.LambdaFunction;
import org.apache.spark.sql.catalyst.expressions.NamedLambdaVariable;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import scala.runtime.BoxedUnit;

/** Refuses calls on the elements of an array while the query is analysed. */
final class LambdaCheck {
  private LambdaCheck() {}

  static BoxedUnit check(LogicalPlan plan) {
    plan.foreach(
        operator -> {
          for (Expression expression : Seqs.list(operator.expressions())) {
            expression.foreach(LambdaCheck::checkLambda);
          }
          return BoxedUnit.UNIT;
        });
    return BoxedUnit.UNIT;
  }

  private static BoxedUnit checkLambda(Expression expression) {
    if (expression instanceof LambdaFunction lambda) {
      for (TensorCall call : Calls.innermost(Seqs.list(lambda.children()))) {
        if (call.exists(e -> e instanceof NamedLambdaVariable)) {
          throw Refusals.analysis(
              "Cannot evaluate "
                  + call
                  + " for each element of an array: it runs on whole columns; explode the array into"
                  + " rows first");
        }
      }
    }
    return BoxedUnit.UNIT;
  }
}
