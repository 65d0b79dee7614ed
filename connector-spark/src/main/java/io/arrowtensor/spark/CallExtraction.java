package io.arrowtensor.spark;

import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.catalyst.expressions.And;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.SubqueryExpression;
import org.apache.spark.sql.catalyst.plans.InnerLike;
import org.apache.spark.sql.catalyst.plans.logical.Aggregate;
import org.apache.spark.sql.catalyst.plans.logical.Command;
import org.apache.spark.sql.catalyst.plans.logical.Filter;
import org.apache.spark.sql.catalyst.plans.logical.Join;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.Project;
import scala.Option;

/** Extracts the calls of one plan, bottom-up, operator by operator. One use, one thread. */
final class CallExtraction {

  /**
   * The plan with the same output and no call left in any expression.
   *
   * <p>Throws Spark's AnalysisException for a call that cannot be moved below its operator.
   */
  LogicalPlan extract(LogicalPlan plan) {
    LogicalPlan below = plan.mapChildren(this::extract);
    if (below instanceof MapTensors) {
      return below;
    }
    LogicalPlan operator = below.mapExpressions(this::extractSubqueries);
    if (!holdsCall(operator)) {
      return operator;
    }
    LogicalPlan rewritten = rewrite(operator);
    return rewritten.output().equals(plan.output())
        ? rewritten
        : new Project(Seqs.of(Seqs.list(plan.output())), rewritten);
  }

  private static boolean holdsCall(LogicalPlan operator) {
    return operator.expressions().exists(Calls::in);
  }

  private static LogicalPlan rewrite(LogicalPlan operator) {
    if (operator instanceof Command) {
      TensorCall call = Calls.innermost(Seqs.list(operator.expressions())).get(0);
      throw refusal(call, operator, "a command evaluates its expressions itself");
    }
    if (operator instanceof Filter filter) {
      return filter(filter);
    }
    if (operator instanceof Join join) {
      return join(join);
    }
    if (operator instanceof Aggregate aggregate) {
      return AggregateCalls.extract(aggregate);
    }
    return below(operator);
  }

  /** Conjuncts without a call go below the evaluation, where they still reach the source. */
  private static LogicalPlan filter(Filter filter) {
    List<Expression> early = new ArrayList<>();
    List<Expression> late = new ArrayList<>();
    for (Expression conjunct : conjuncts(filter.condition())) {
      (Calls.in(conjunct) || !conjunct.deterministic() ? late : early).add(conjunct);
    }
    LogicalPlan child =
        early.isEmpty() ? filter.child() : new Filter(conjunction(early), filter.child());
    return below(new Filter(conjunction(late), child));
  }

  /**
   * Conjuncts whose call needs both sides become a filter above; only an inner join allows that.
   */
  private static LogicalPlan join(Join join) {
    List<Expression> within = new ArrayList<>();
    List<Expression> above = new ArrayList<>();
    for (Expression conjunct : conjuncts(join.condition().get())) {
      (spans(conjunct, join) ? above : within).add(conjunct);
    }
    if (above.isEmpty()) {
      return below(join);
    }
    if (!(join.joinType() instanceof InnerLike)) {
      TensorCall call = Calls.innermost(above).get(0);
      throw refusal(
          call, join, "its arguments come from both sides of a " + join.joinType() + " join");
    }
    Option<Expression> condition =
        within.isEmpty() ? Option.empty() : Option.apply(conjunction(within));
    Join rest = new Join(join.left(), join.right(), join.joinType(), condition, join.hint());
    return below(new Filter(conjunction(above), within.isEmpty() ? rest : below(rest)));
  }

  private static boolean spans(Expression conjunct, Join join) {
    return conjunct.exists(
        e ->
            e instanceof TensorCall
                && !e.references().subsetOf(join.left().outputSet())
                && !e.references().subsetOf(join.right().outputSet()));
  }

  /** Evaluates all calls of {@code operator} below it, inner calls first. */
  static LogicalPlan below(LogicalPlan operator) {
    LogicalPlan current = operator;
    while (true) {
      List<TensorCall> calls = Calls.innermost(Seqs.list(current.expressions()));
      if (calls.isEmpty()) {
        return current;
      }
      List<LogicalPlan> children = new ArrayList<>(Seqs.list(current.children()));
      CallResults results = new CallResults();
      for (int side = 0; side < children.size(); side++) {
        List<TensorCall> here = new ArrayList<>();
        for (TensorCall call : calls) {
          if (!results.knows(call) && call.references().subsetOf(children.get(side).outputSet())) {
            here.add(call);
          }
        }
        children.set(side, CallEvaluation.over(children.get(side), here, results));
      }
      for (TensorCall call : calls) {
        if (!results.knows(call)) {
          throw refusal(
              call, operator, "its arguments come from more than one input of the operator");
        }
      }
      LogicalPlan widened = current.withNewChildren(Seqs.of(children));
      current = widened.mapExpressions(results::replace);
    }
  }

  /**
   * Calls inside correlated subqueries that are not joins yet, and in what ties them to their outer
   * query.
   */
  private Expression extractSubqueries(Expression expression) {
    Expression inner = expression.mapChildren(this::extractSubqueries);
    if (!(inner instanceof SubqueryExpression subquery)) {
      return inner;
    }
    LogicalPlan plan =
        Calls.anywhereIn(subquery.plan()) ? extract(subquery.plan()) : subquery.plan();
    CallResults results = new CallResults();
    List<TensorCall> own = new ArrayList<>();
    for (TensorCall call : Calls.innermost(Seqs.list(subquery.children()))) {
      if (call.references().subsetOf(plan.outputSet())) {
        own.add(call);
      }
    }
    if (own.isEmpty() && plan == subquery.plan()) {
      return inner;
    }
    Expression rebuilt = (Expression) subquery.withNewPlan(CallEvaluation.over(plan, own, results));
    return rebuilt.mapChildren(results::replace);
  }

  static List<Expression> conjuncts(Expression condition) {
    if (!(condition instanceof And and)) {
      return List.of(condition);
    }
    List<Expression> all = new ArrayList<>(conjuncts(and.left()));
    all.addAll(conjuncts(and.right()));
    return all;
  }

  private static Expression conjunction(List<Expression> conjuncts) {
    return conjuncts.stream().reduce(And::new).orElseThrow();
  }

  private static RuntimeException refusal(TensorCall call, LogicalPlan operator, String why) {
    return Refusals.analysis(
        "Cannot evaluate "
            + call
            + " in "
            + operator.nodeName()
            + ": "
            + why
            + "; compute it as a column of a subquery or DataFrame first and refer to that column here");
  }
}
