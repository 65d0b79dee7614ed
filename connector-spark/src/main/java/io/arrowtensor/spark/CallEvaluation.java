package io.arrowtensor.spark;

import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.catalyst.expressions.Alias;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.AttributeReference;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.NamedExpression;
import org.apache.spark.sql.catalyst.plans.logical.Filter;
import org.apache.spark.sql.catalyst.plans.logical.GlobalLimit;
import org.apache.spark.sql.catalyst.plans.logical.LocalLimit;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.Project;
import org.apache.spark.sql.catalyst.plans.logical.Sort;
import org.apache.spark.sql.catalyst.plans.logical.Window;
import org.apache.spark.sql.types.StructField;
import org.jspecify.annotations.Nullable;

/** Puts the evaluation of calls over a plan, or finds that the plan evaluates them already. */
final class CallEvaluation {
  private record Found(LogicalPlan plan, List<Attribute> attributes) {}

  private CallEvaluation() {}

  /**
   * {@code child} with the results of {@code calls} appended; where they are is entered in {@code
   * results}. Different calls form a chain of operators.
   */
  static LogicalPlan over(LogicalPlan child, List<TensorCall> calls, CallResults results) {
    LogicalPlan plan = child;
    List<TensorCall> missing = new ArrayList<>();
    for (TensorCall call : calls) {
      Found found = call.deterministic() ? find(plan, call) : null;
      if (found == null) {
        missing.add(call);
      } else {
        plan = found.plan;
        results.put(call, found.attributes);
      }
    }
    List<Alias> computed = computedArguments(missing);
    if (!computed.isEmpty()) {
      List<NamedExpression> columns = new ArrayList<>(Seqs.list(plan.output()));
      columns.addAll(computed);
      plan = new Project(Seqs.of(columns), plan);
    }
    for (TensorCall call : missing) {
      List<Attribute> appended = appended(call);
      plan = new MapTensors(withAttributes(call, computed), Seqs.of(appended), plan);
      results.put(call, appended);
    }
    return plan;
  }

  private static List<Alias> computedArguments(List<TensorCall> calls) {
    List<Alias> computed = new ArrayList<>();
    for (TensorCall call : calls) {
      List<Expression> arguments = Seqs.list(call.children());
      for (int i = 0; i < arguments.size(); i++) {
        if (attribute(arguments.get(i), computed) == null) {
          computed.add(
              Aliases.of(arguments.get(i), call.signature().arguments().fields()[i].name()));
        }
      }
    }
    return computed;
  }

  private static TensorCall withAttributes(TensorCall call, List<Alias> computed) {
    List<Expression> attributes = new ArrayList<>();
    for (Expression argument : Seqs.list(call.children())) {
      attributes.add(java.util.Objects.requireNonNull(attribute(argument, computed)));
    }
    return call.withArguments(attributes);
  }

  private static @Nullable Attribute attribute(Expression argument, List<Alias> computed) {
    if (argument instanceof Attribute attribute) {
      return attribute;
    }
    for (Alias alias : computed) {
      if (alias.child() == argument || alias.child().semanticEquals(argument)) {
        return alias.toAttribute();
      }
    }
    return null;
  }

  private static List<Attribute> appended(TensorCall call) {
    List<Attribute> attributes = new ArrayList<>();
    for (StructField field : call.signature().results().fields()) {
      attributes.add(
          new AttributeReference(
              field.name(),
              field.dataType(),
              field.nullable(),
              field.metadata(),
              NamedExpression.newExprId(),
              Seqs.of(List.<String>of())));
    }
    return attributes;
  }

  /** Looks for an equal call evaluated below, through operators that keep rows and attributes. */
  private static @Nullable Found find(LogicalPlan plan, TensorCall call) {
    if (plan instanceof MapTensors map && map.computes(call)) {
      return new Found(plan, Seqs.list(map.appended()));
    }
    if (!passesRowsOn(plan)) {
      return null;
    }
    LogicalPlan child = plan.children().head();
    Found below = call.references().subsetOf(child.outputSet()) ? find(child, call) : null;
    if (below == null) {
      return null;
    }
    if (!(plan instanceof Project project)) {
      LogicalPlan widened = plan.withNewChildren(Seqs.of(List.of(below.plan)));
      return new Found(widened, below.attributes);
    }
    List<NamedExpression> columns = new ArrayList<>(Seqs.list(project.projectList()));
    for (Attribute attribute : below.attributes) {
      if (columns.stream().noneMatch(column -> column.exprId().equals(attribute.exprId()))) {
        columns.add(attribute);
      }
    }
    return new Found(new Project(Seqs.of(columns), below.plan), below.attributes);
  }

  private static boolean passesRowsOn(LogicalPlan plan) {
    return plan instanceof MapTensors
        || plan instanceof Project
        || plan instanceof Filter
        || plan instanceof Sort
        || plan instanceof Window
        || plan instanceof LocalLimit
        || plan instanceof GlobalLimit;
  }
}
