package io.arrowtensor.spark;

import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.CreateNamedStruct;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.GetStructField;
import org.apache.spark.sql.catalyst.expressions.Literal$;
import org.jspecify.annotations.Nullable;

/** The attributes that hold the results of calls evaluated below an operator. One thread. */
final class CallResults {
  private record Entry(TensorCall call, List<Attribute> attributes) {}

  private final List<Entry> entries = new ArrayList<>();

  void put(TensorCall call, List<Attribute> attributes) {
    entries.add(new Entry(call, List.copyOf(attributes)));
  }

  boolean knows(TensorCall call) {
    return find(call) != null;
  }

  /** The expression with each known call replaced by its attributes. */
  Expression replace(Expression expression) {
    if (expression instanceof GetStructField field && field.child() instanceof TensorCall call) {
      Entry entry = find(call);
      if (entry != null) {
        return entry.attributes.get(field.ordinal());
      }
    }
    if (expression instanceof TensorCall call) {
      Entry entry = find(call);
      if (entry != null) {
        return value(entry);
      }
    }
    return expression.mapChildren(this::replace);
  }

  private static Expression value(Entry entry) {
    if (entry.attributes.size() == 1) {
      return entry.attributes.get(0);
    }
    List<Expression> parts = new ArrayList<>();
    for (Attribute attribute : entry.attributes) {
      parts.add(Literal$.MODULE$.apply(attribute.name()));
      parts.add(attribute);
    }
    return new CreateNamedStruct(Seqs.of(parts));
  }

  private @Nullable Entry find(TensorCall call) {
    for (Entry entry : entries) {
      if (Calls.same(entry.call, call)) {
        return entry;
      }
    }
    return null;
  }
}
