package io.arrowtensor.flink;

import static org.apache.flink.api.common.eventtime.TimestampAssigner.NO_TIMESTAMP;

import io.arrowtensor.DeviceColumn;
import io.arrowtensor.Options;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.internal.Scope;
import java.util.Arrays;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.types.RowKind;
import org.jspecify.annotations.Nullable;

/**
 * The elements gathered for one call: their columns in native memory, their timestamps and kinds
 * beside them. Used again for every batch; {@link #close} frees it. One thread.
 */
final class InputBatch<T> implements BatchInput<T> {
  private static final int INSERT = RowKind.INSERT.toByteValue();

  /** Beside the kind of a row, which has two bits, in one byte. */
  private static final int TIMED = 4;

  private final ElementReader<T> reader;
  private final int capacity;
  private final ColumnBuffers columns;
  private final long[] timestamps;
  private final byte[] marks;
  private final FieldCopy copy;
  private final @Nullable Object @Nullable [] elements;
  private int rows;
  private int timed;
  private long latest = NO_TIMESTAMP;

  /**
   * @param options name the allocator
   * @param keepsElements whether {@link #element} will be asked for
   */
  InputBatch(ElementReader<T> reader, int capacity, Options options, boolean keepsElements) {
    this.reader = reader;
    this.capacity = capacity;
    this.timestamps = new long[capacity];
    this.marks = new byte[capacity];
    this.elements = keepsElements ? new Object[capacity] : null;
    this.columns = new ColumnBuffers(reader, capacity, options);
    this.copy = columns.copy();
  }

  @Override
  public void add(StreamRecord<T> record, @Nullable Object kept) {
    T element = record.getValue();
    int row = rows;
    copy.copy(row, element);
    int kind = reader.kind(element).toByteValue();
    if (record.hasTimestamp()) {
      long timestamp = record.getTimestamp();
      timestamps[row] = timestamp;
      latest = Math.max(latest, timestamp);
      timed++;
      kind += TIMED;
    }
    marks[row] = (byte) kind;
    if (elements != null) {
      elements[row] = kept;
    }
    rows = row + 1;
  }

  @Override
  public int rows() {
    return rows;
  }

  @Override
  public boolean isFull() {
    return rows == capacity;
  }

  @Override
  public boolean isTimed(int row) {
    return marks[row] >= TIMED;
  }

  @Override
  public long timestamp(int row) {
    return timestamps[row];
  }

  @Override
  public @Nullable Long latestTime() {
    return timed > 0 ? latest : null;
  }

  @Override
  public @Nullable DeviceColumn rowTimes(Options options) {
    if (timed == 0) {
      return null;
    }
    boolean[] known = null;
    if (timed < rows) {
      known = new boolean[rows];
      for (int row = 0; row < rows; row++) {
        known[row] = isTimed(row);
      }
    }
    return RowMarks.times(timestamps, known, rows, options);
  }

  @Override
  public int firstChange() {
    for (int row = 0; row < rows; row++) {
      if ((marks[row] & (TIMED - 1)) != INSERT) {
        return row;
      }
    }
    return -1;
  }

  @Override
  public RowKind kind(int row) {
    return RowKind.fromByteValue((byte) (marks[row] & (TIMED - 1)));
  }

  @Override
  @SuppressWarnings("unchecked") // add() takes nothing else
  public T element(int row) {
    return (T) java.util.Objects.requireNonNull(elements)[row];
  }

  @Override
  public OwnedBatch lend(Scope scope) {
    return columns.lend(rows, scope);
  }

  @Override
  public boolean[] nullRows() {
    return columns.nullRows(rows);
  }

  @Override
  public void clear() {
    columns.clear();
    if (elements != null) {
      Arrays.fill(elements, 0, rows, null);
    }
    rows = 0;
    timed = 0;
    latest = NO_TIMESTAMP;
  }

  @Override
  public void close() {
    columns.close();
  }
}
