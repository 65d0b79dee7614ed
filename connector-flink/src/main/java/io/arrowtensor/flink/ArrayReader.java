package io.arrowtensor.flink;

import org.jspecify.annotations.Nullable;

/** Reads the arrays that one kind of elements has. */
interface ArrayReader {
  /** How many elements {@code array} has. */
  int size(Object array);

  /** The array at {@code i} of an array of arrays, null when it is null. */
  @Nullable Object child(Object array, int i);

  /**
   * Writes all elements of {@code array} one after the other.
   *
   * @param type of the field
   * @param nulls asked for each null, with the row that errors name
   */
  void elements(Object array, FieldType type, long target, TensorBuffer nulls, int row);
}
