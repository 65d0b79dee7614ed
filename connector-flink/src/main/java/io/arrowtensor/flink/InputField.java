package io.arrowtensor.flink;

import io.arrowtensor.BatchSchema.Column;
import java.io.Serializable;

/**
 * A field of the elements that becomes a column.
 *
 * @param position where it is in an element
 * @param type its type
 * @param column the column
 */
record InputField(int position, FieldType type, Column column) implements Serializable {

  /** As errors call it. */
  String name() {
    return column.name();
  }
}
