package io.arrowtensor.flink;

import io.arrowtensor.InterchangeException;

/** Copies a field of an element into its column, or several. One thread. */
@FunctionalInterface
interface FieldCopy {
  /**
   * Writes row {@code row}.
   *
   * @throws InterchangeException naming the field that cannot be written
   */
  void copy(int row, Object element);
}
