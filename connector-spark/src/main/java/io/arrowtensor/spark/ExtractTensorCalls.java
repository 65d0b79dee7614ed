package io.arrowtensor.spark;

import org.apache.spark.sql.catalyst.optimizer.CollapseProject$;
import org.apache.spark.sql.catalyst.optimizer.ColumnPruning$;
import org.apache.spark.sql.catalyst.optimizer.SimplifyExtractValueOps$;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.Subquery;
import org.apache.spark.sql.catalyst.rules.Rule;

/**
 * Moves every {@link TensorCall} into a {@link MapTensors} below its operator. Runs once, after
 * Spark has pushed filters and pruned columns around the calls, before it asks the sources.
 */
final class ExtractTensorCalls extends Rule<LogicalPlan> {
  @Override
  public LogicalPlan apply(LogicalPlan plan) {
    // A correlated subquery comes by again as a part of its outer query, once it is a join.
    boolean later = plan instanceof Subquery subquery && subquery.correlated();
    if (later || !Calls.anywhereIn(plan)) {
      return plan;
    }
    LogicalPlan extracted = new CallExtraction().extract(plan);
    LogicalPlan simplified =
        SimplifyExtractValueOps$.MODULE$.apply(CollapseProject$.MODULE$.apply(extracted));
    return ColumnPruning$.MODULE$.apply(simplified);
  }
}
