package io.arrowtensor.spark;

import io.arrowtensor.BatchFunction;
import io.arrowtensor.Options;
import java.io.Serializable;

/**
 * A function under the name that queries and errors use for it.
 *
 * @param name as written in SQL
 * @param identity what makes it the same function elsewhere: itself, or where it was read from
 * @param function what to run
 * @param options how its arguments are converted
 */
record TensorFunction(String name, Object identity, BatchFunction function, Options options)
    implements Serializable {

  /** A function that is the same only as itself. */
  static TensorFunction of(String name, BatchFunction function, Options options) {
    return new TensorFunction(name, function, function, options);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof TensorFunction that
        && name.equals(that.name)
        && identity.equals(that.identity)
        && options.equals(that.options);
  }

  @Override
  public int hashCode() {
    return name.hashCode();
  }
}
