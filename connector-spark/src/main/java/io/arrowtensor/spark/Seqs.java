package io.arrowtensor.spark;

import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.AttributeSet;
import org.apache.spark.sql.catalyst.expressions.AttributeSet$;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.NamedExpression;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;

/** Scala sequences from Java lists and back. */
final class Seqs {
  private Seqs() {}

  static <T> Seq<T> of(List<? extends T> elements) {
    return CollectionConverters.<T>asScala(List.<T>copyOf(elements)).toSeq();
  }

  static <T> Seq<T> concat(Seq<T> first, Seq<T> second) {
    List<T> both = new ArrayList<>(list(first));
    both.addAll(list(second));
    return of(both);
  }

  static AttributeSet attributeSet(Seq<Attribute> attributes) {
    return AttributeSet$.MODULE$.apply(Seqs.<Expression>of(list(attributes)));
  }

  /** Where {@code wanted} is, by its id. */
  static int indexOf(Seq<Attribute> attributes, NamedExpression wanted) {
    List<Attribute> all = list(attributes);
    int at = 0;
    while (!all.get(at).exprId().equals(wanted.exprId())) {
      at++;
    }
    return at;
  }

  static <T> List<T> list(scala.collection.Seq<? extends T> elements) {
    return List.copyOf(CollectionConverters.asJava(elements));
  }
}
