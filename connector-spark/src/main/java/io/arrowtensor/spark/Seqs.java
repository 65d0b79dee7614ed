package io.arrowtensor.spark;

import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.AttributeSet;
import org.apache.spark.sql.catalyst.expressions.AttributeSet$;
import org.apache.spark.sql.catalyst.expressions.Expression;
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

  static <T> List<T> list(scala.collection.Seq<? extends T> elements) {
    return List.copyOf(CollectionConverters.asJava(elements));
  }
}
