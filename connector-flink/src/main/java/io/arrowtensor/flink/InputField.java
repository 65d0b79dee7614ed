package io.arrowtensor.flink;

import io.arrowtensor.BatchSchema.Column;
import io.arrowtensor.Nulls;
import io.arrowtensor.Options;
import io.arrowtensor.Storage;
import java.io.Serializable;

/**
 * A field of the elements that becomes a column.
 *
 * @param position where it is in an element
 * @param type its type
 * @param column the column
 * @param kept whether it is passed on beside the results, and no argument
 */
record InputField(int position, FieldType type, Column column, boolean kept)
    implements Serializable {

  /** {@code options} as they are for this field. */
  Options options(Options options) {
    return kept ? asItIs(options) : options;
  }

  /** {@code options} for a field that no function computes with: its nulls stay nulls. */
  static Options asItIs(Options options) {
    return options.withNulls(Nulls.MASK).withStorage(Storage.AS_BYTES);
  }

  /** As errors call it. */
  String name() {
    return column.name();
  }
}
