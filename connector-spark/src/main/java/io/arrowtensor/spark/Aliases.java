package io.arrowtensor.spark;

import java.util.List;
import org.apache.spark.sql.catalyst.expressions.Alias;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.NamedExpression;
import scala.Option;

/** Named expressions with what Scala fills in by default. */
final class Aliases {
  private Aliases() {}

  static Alias of(Expression expression, String name) {
    return new Alias(
        expression,
        name,
        NamedExpression.newExprId(),
        Seqs.of(List.<String>of()),
        Option.empty(),
        Seqs.of(List.<String>of()));
  }
}
