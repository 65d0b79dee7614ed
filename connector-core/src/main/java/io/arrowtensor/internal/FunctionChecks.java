package io.arrowtensor.internal;

import io.arrowtensor.BatchFunction;
import io.arrowtensor.BatchSchema;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.Nulls;
import io.arrowtensor.NullsException;
import java.util.HashSet;
import java.util.Set;

/** What every connector asks of a function before a job may use it. */
public final class FunctionChecks {
  private FunctionChecks() {}

  /**
   * Refuses to feed a function the garbage of null slots.
   *
   * @throws NullsException when {@code nulls} hands out a mask that {@code function} does not read
   */
  public static void requireNullPolicy(BatchFunction function, Nulls nulls) {
    if (nulls.equals(Nulls.MASK) && !function.readsValidity()) {
      throw new NullsException(
          "it does not read the mask that Nulls.MASK hands out, and would compute on what null slots"
              + " hold; choose Nulls.PROPAGATE or Nulls.fill(value)");
    }
  }

  /**
   * Refuses results that make no row.
   *
   * @throws InterchangeException for no columns, or two of one name
   */
  public static void requireRow(BatchSchema results) {
    if (results.columns().isEmpty()) {
      throw new InterchangeException("Invalid result schema: no columns; return at least one");
    }
    Set<String> names = new HashSet<>();
    for (BatchSchema.Column column : results.columns()) {
      if (!names.add(column.name())) {
        throw new InterchangeException(
            "Invalid result schema: two columns are called '" + column.name() + "'; rename one");
      }
    }
  }
}
