package io.arrowtensor.flink;

import io.arrowtensor.DeviceColumn;
import io.arrowtensor.Options;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.internal.Scope;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.types.RowKind;
import org.jspecify.annotations.Nullable;

/**
 * The rows of one call: gathered from elements, or one element that is a batch already. Used again
 * after {@link #clear}. One thread at a time.
 */
interface BatchInput<T> extends AutoCloseable {

  /**
   * Takes an element.
   *
   * @param kept what {@link #element} gives back: the element where nobody else changes it, else a
   *     copy
   */
  void add(StreamRecord<T> element, @Nullable Object kept);

  int rows();

  /** Whether it must be scored before the next element can be taken. */
  boolean isFull();

  /** Whether row {@code row} has a timestamp. */
  boolean isTimed(int row);

  /** The timestamp of a row that has one. */
  long timestamp(int row);

  /** The latest timestamp, null where no row has one. */
  default @Nullable Long latestTime() {
    boolean timed = false;
    long latest = Long.MIN_VALUE;
    for (int row = 0; row < rows(); row++) {
      if (isTimed(row)) {
        timed = true;
        latest = Math.max(latest, timestamp(row));
      }
    }
    return timed ? latest : null;
  }

  /** The timestamps of the rows as a column to be passed on, null where rows have none. */
  @Nullable DeviceColumn rowTimes(Options options);

  /** The change that a row stands for. */
  RowKind kind(int row);

  /** The first row that is more than an insertion, -1 for none. */
  default int firstChange() {
    return -1;
  }

  /** The element of a row. */
  T element(int row);

  /**
   * Lends arguments and kept columns, in this order, for the time of {@code scope}; the caller
   * closes the batch.
   */
  OwnedBatch lend(Scope scope);

  /** The rows in which any argument is null. */
  boolean[] nullRows();

  /** The next element is the first of a new batch. */
  void clear();

  @Override
  void close();
}
