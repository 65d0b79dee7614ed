package io.arrowtensor.flink;

import static org.apache.flink.api.common.eventtime.TimestampAssigner.NO_TIMESTAMP;

import io.arrowtensor.DType;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.internal.BulkCopy;
import io.arrowtensor.internal.Closing;
import io.arrowtensor.internal.Scope;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.types.RowKind;
import org.jspecify.annotations.Nullable;

/**
 * The elements gathered for one call: their columns in native memory, their timestamps and kinds
 * beside them. Used again for every batch; {@link #close} frees it. One thread.
 *
 * <p>Columns of one type lie at equal distance in one slab, so that they are also one matrix
 * without copy ({@link io.arrowtensor.Matrix#columnMajor}).
 */
final class InputBatch<T> implements BatchInput<T> {
  private static final int INSERT = RowKind.INSERT.toByteValue();

  /** Beside the kind of a row, which has two bits, in one byte. */
  private static final int TIMED = 4;

  private final ElementReader<T> reader;
  private final int capacity;
  private final ColumnBuffer[] columns;
  private final List<AutoCloseable> memory = new ArrayList<>();
  private final long[] timestamps;
  private final byte[] marks;
  private final FieldCopy copy;
  private final @Nullable Object @Nullable [] elements;
  private int rows;
  private boolean timed;
  private long latest = NO_TIMESTAMP;

  /**
   * @param options name the allocator
   * @param keepsElements whether {@link #element} will be asked for
   */
  InputBatch(ElementReader<T> reader, int capacity, Options options, boolean keepsElements) {
    this.reader = reader;
    this.capacity = capacity;
    this.columns = new ColumnBuffer[reader.fields().size()];
    this.timestamps = new long[capacity];
    this.marks = new byte[capacity];
    this.elements = keepsElements ? new Object[capacity] : null;
    try {
      allocate(options);
      copy = reader.copyTo(columns);
    } catch (RuntimeException | Error e) {
      Closing.quietly(e, memory);
      throw e;
    }
  }

  private void allocate(Options options) {
    Map<DType, List<Integer>> scalars = new LinkedHashMap<>();
    for (int c = 0; c < columns.length; c++) {
      InputField field = reader.field(c);
      if (field.type().requireCell().isBytes()) {
        columns[c] = keep(new BytesBuffer(field, capacity, field.options(options)));
      } else if (field.type().dimensions() > 0) {
        columns[c] =
            keep(new TensorBuffer(field, reader.arrays(), capacity, field.options(options)));
      } else {
        scalars.computeIfAbsent(field.column().dtype(), t -> new ArrayList<>()).add(c);
      }
    }
    scalars.forEach((dtype, positions) -> allocateSlab(dtype, positions, options));
  }

  /** Each column starts as aligned as the slab. */
  private void allocateSlab(DType dtype, List<Integer> positions, Options options) {
    int perLine = options.allocationAlignment() / dtype.itemSize();
    long distance = (capacity + perLine - 1L) / perLine * perLine;
    Memory slab = BulkCopy.allocate(dtype, new long[] {positions.size(), distance}, options);
    memory.add(slab::release);
    for (int k = 0; k < positions.size(); k++) {
      int c = positions.get(k);
      long address = slab.address() + k * distance * dtype.itemSize();
      InputField field = reader.field(c);
      columns[c] = keep(new ScalarBuffer(field, address, capacity, field.options(options)));
    }
  }

  private ColumnBuffer keep(ColumnBuffer column) {
    memory.add(column);
    return column;
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
      timed = true;
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
    return timed ? latest : null;
  }

  /** A source without event time gives all rows a timestamp that says that they have none. */
  @Override
  public @Nullable DeviceColumn rowTimes(Options options) {
    if (latest == NO_TIMESTAMP) {
      return null;
    }
    boolean[] known = new boolean[rows];
    for (int row = 0; row < rows; row++) {
      known[row] = isTimed(row) && timestamps[row] != NO_TIMESTAMP;
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
    List<DeviceColumn> lent = new ArrayList<>();
    try {
      for (ColumnBuffer column : columns) {
        lent.add(column.lend(rows, scope));
      }
    } catch (RuntimeException | Error e) {
      Closing.quietly(e, lent);
      throw e;
    }
    return OwnedBatch.of(rows, lent);
  }

  @Override
  public boolean[] nullRows() {
    boolean[] nulls = new boolean[rows];
    for (int c = 0; c < columns.length; c++) {
      if (!reader.field(c).kept()) {
        columns[c].addNullRows(nulls, rows);
      }
    }
    return nulls;
  }

  @Override
  public void clear() {
    for (ColumnBuffer column : columns) {
      column.clear();
    }
    if (elements != null) {
      Arrays.fill(elements, 0, rows, null);
    }
    rows = 0;
    timed = false;
    latest = NO_TIMESTAMP;
  }

  @Override
  public void close() {
    Closing.all(memory);
  }
}
