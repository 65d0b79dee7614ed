package io.arrowtensor.flink;

import io.arrowtensor.BatchSchema.Column;
import io.arrowtensor.Options;
import java.io.Serializable;
import java.util.List;

/** How the elements of a stream become the batches that a function gets. */
interface InputReader<T> extends Serializable {

  /** The columns that the function gets. */
  List<Column> arguments();

  /** The columns that are passed on beside its results, behind the arguments in every batch. */
  List<Column> kept();

  /** Whether any argument may be null. */
  boolean isNullable();

  /**
   * Whether a source keeps none of the elements that it emits, so that its only reader has them.
   */
  default boolean isGivenAway() {
    return false;
  }

  /**
   * The same for a function that reads columns by their strides, so that they may lie where it
   * costs least to gather them.
   *
   * @param options how arguments are converted
   */
  default InputReader<T> strided(Options options) {
    return this;
  }

  /**
   * Memory for one batch on its way; the caller closes it.
   *
   * @param options name the allocator
   * @param keepsElements whether {@link BatchInput#element} will be asked for
   * @param alone whether nobody else has the elements
   */
  BatchInput<T> allocate(int maxRows, Options options, boolean keepsElements, boolean alone);
}
