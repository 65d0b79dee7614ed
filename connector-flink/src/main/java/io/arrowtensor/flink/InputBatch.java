package io.arrowtensor.flink;

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
final class InputBatch<T> implements AutoCloseable {
  private static final RowKind[] KINDS = RowKind.values();

  /** Beside the kind of a row, in one byte. */
  private static final int TIMED = KINDS.length;

  private final ElementReader<T> reader;
  private final int capacity;
  private final ColumnBuffer[] columns;
  private final List<AutoCloseable> memory = new ArrayList<>();
  private final long[] timestamps;
  private final byte[] marks;
  private final FieldCopy copy;
  private final @Nullable Object @Nullable [] elements;
  private int rows;

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
        columns[c] = keep(new BytesBuffer(field, capacity, options));
      } else if (field.type().dimensions() > 0) {
        columns[c] = keep(new TensorBuffer(field, reader.arrays(), capacity, options));
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
      columns[c] = keep(new ScalarBuffer(reader.field(c), address, capacity, options));
    }
  }

  private ColumnBuffer keep(ColumnBuffer column) {
    memory.add(column);
    return column;
  }

  /**
   * Appends an element.
   *
   * @param kept what {@link #element} gives back: the element where nobody else changes it, else a
   *     copy
   */
  void add(StreamRecord<T> record, @Nullable Object kept) {
    T element = record.getValue();
    int row = rows;
    copy.copy(row, element);
    int kind = reader.kind(element).ordinal();
    if (record.hasTimestamp()) {
      timestamps[row] = record.getTimestamp();
      kind += TIMED;
    }
    marks[row] = (byte) kind;
    if (elements != null) {
      elements[row] = kept;
    }
    rows = row + 1;
  }

  int rows() {
    return rows;
  }

  boolean isFull() {
    return rows == capacity;
  }

  boolean isTimed(int row) {
    return marks[row] >= TIMED;
  }

  long timestamp(int row) {
    return timestamps[row];
  }

  RowKind kind(int row) {
    return KINDS[marks[row] & (TIMED - 1)];
  }

  @SuppressWarnings("unchecked") // add() takes nothing else
  T element(int row) {
    return (T) java.util.Objects.requireNonNull(elements)[row];
  }

  /** Lends the columns for the time of {@code scope}; the caller closes the batch. */
  OwnedBatch lend(Scope scope) {
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

  /** The rows in which any column is null. */
  boolean[] nullRows() {
    boolean[] nulls = new boolean[rows];
    for (ColumnBuffer column : columns) {
      column.addNullRows(nulls, rows);
    }
    return nulls;
  }

  /** The next element is the first of a new batch. */
  void clear() {
    for (ColumnBuffer column : columns) {
      column.clear();
    }
    if (elements != null) {
      Arrays.fill(elements, 0, rows, null);
    }
    rows = 0;
  }

  @Override
  public void close() {
    Closing.all(memory);
  }
}
