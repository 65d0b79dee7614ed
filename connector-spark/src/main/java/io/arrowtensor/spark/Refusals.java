package io.arrowtensor.spark;

import org.apache.spark.QueryContext;
import org.apache.spark.sql.AnalysisException;
import scala.Option;
import scala.collection.immutable.Map$;

/** Spark's own error for a query that cannot be planned, so that every front end shows it. */
final class Refusals {
  private Refusals() {}

  /**
   * Spark declares this exception nowhere, although it is checked in Java; the caller throws what
   * it gets.
   */
  static RuntimeException analysis(
      String message, @org.jspecify.annotations.Nullable Throwable cause) {
    return Refusals.<RuntimeException>unchecked(
        new AnalysisException(
            message,
            Option.empty(),
            Option.empty(),
            Option.apply(cause),
            Option.empty(),
            Map$.MODULE$.empty(),
            new QueryContext[0]));
  }

  static RuntimeException analysis(String message) {
    return analysis(message, null);
  }

  @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"})
  private static <E extends Throwable> E unchecked(Throwable error) throws E {
    throw (E) error;
  }
}
