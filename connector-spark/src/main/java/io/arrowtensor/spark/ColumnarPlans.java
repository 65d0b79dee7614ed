package io.arrowtensor.spark;

import java.util.List;
import org.apache.spark.sql.catalyst.rules.Rule;
import org.apache.spark.sql.execution.ColumnarRule;
import org.apache.spark.sql.execution.ColumnarToRowTransition;
import org.apache.spark.sql.execution.FilterExec;
import org.apache.spark.sql.execution.ProjectExec;
import org.apache.spark.sql.execution.SparkPlan;
import org.apache.spark.sql.execution.UnionExec;

/**
 * Keeps plans columnar below a {@link MapTensorsExec} where no value is computed, and decides, once
 * the transitions to rows are in place, when results are freed.
 */
final class ColumnarPlans extends ColumnarRule {
  @Override
  public Rule<SparkPlan> preColumnarTransitions() {
    return new Rule<>() {
      @Override
      public SparkPlan apply(SparkPlan plan) {
        return selectBelowCalls(plan);
      }
    };
  }

  @Override
  public Rule<SparkPlan> postColumnarTransitions() {
    return new Rule<>() {
      @Override
      public SparkPlan apply(SparkPlan plan) {
        return chooseRelease(plan, Release.BY_CONSUMER);
      }
    };
  }

  private static SparkPlan selectBelowCalls(SparkPlan plan) {
    SparkPlan current = plan.mapChildren(ColumnarPlans::selectBelowCalls);
    if (!(current instanceof MapTensorsExec map)) {
      return current;
    }
    SparkPlan below = onColumns(map.child());
    return below == map.child() ? current : current.withNewChildren(Seqs.of(List.of(below)));
  }

  /** Projections and filters down to the first operator that gives columns, done on columns. */
  private static SparkPlan onColumns(SparkPlan plan) {
    boolean replaces =
        plan instanceof ProjectExec projection
            ? SelectColumnsExec.replaces(projection)
            : plan instanceof FilterExec filter && FilterColumnsExec.replaces(filter);
    SparkPlan child = replaces ? onColumns(plan.children().head()) : plan;
    if (!replaces || !child.supportsColumnar()) {
      return plan;
    }
    SparkPlan replacement =
        plan instanceof ProjectExec projection
            ? new SelectColumnsExec(projection.projectList(), child)
            : new FilterColumnsExec(((FilterExec) plan).condition(), child);
    replacement.copyTagsFrom(plan);
    return replacement;
  }

  /**
   * {@code above} is what the operators between {@code plan} and its next transition to rows allow.
   */
  private static SparkPlan chooseRelease(SparkPlan plan, Release above) {
    if (plan instanceof MapTensorsExec map) {
      Transposition.warn(map);
      MapTensorsExec chosen = map.withRelease(above);
      return chosen.mapChildren(child -> chooseRelease(child, Release.BY_CONSUMER));
    }
    boolean passesBatchesOn = plan instanceof UnionExec || plan instanceof SelectColumnsExec;
    Release below =
        plan instanceof ColumnarToRowTransition
            ? Release.ON_NEXT
            : passesBatchesOn ? above : Release.BY_CONSUMER;
    return plan.mapChildren(child -> chooseRelease(child, below));
  }
}
