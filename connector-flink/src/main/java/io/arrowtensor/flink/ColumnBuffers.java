package io.arrowtensor.flink;

import io.arrowtensor.DType;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.internal.BulkCopy;
import io.arrowtensor.internal.Closing;
import io.arrowtensor.internal.Native;
import io.arrowtensor.internal.Scope;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Where the fields of elements are gathered: a buffer for each column, freed by {@link #close}. One
 * thread.
 *
 * <p>Columns of one type lie at equal distance in one slab, so that they are also one matrix
 * without copy ({@link io.arrowtensor.Matrix#columnMajor}); or in the slots of rows, where they are
 * one, too, if they are neighbours ({@link io.arrowtensor.Matrix#strided}).
 */
final class ColumnBuffers implements AutoCloseable {
  private final ElementReader<?> reader;
  private final int capacity;
  private final ColumnBuffer[] columns;
  private final List<AutoCloseable> memory = new ArrayList<>();
  private final FieldCopy copy;

  /**
   * @param options name the allocator
   */
  ColumnBuffers(ElementReader<?> reader, int capacity, Options options) {
    this.reader = reader;
    this.capacity = capacity;
    this.columns = new ColumnBuffer[reader.fields().size()];
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
    SlotLayout wanted = reader.layout();
    boolean fits = wanted != null && (long) capacity * wanted.rowBytes() <= Integer.MAX_VALUE;
    SlotLayout layout = fits ? wanted : null;
    ByteBuffer rows = layout == null ? null : allocateRows(layout, options);
    for (int c = 0; c < columns.length; c++) {
      InputField field = reader.field(c);
      if (layout != null && rows != null && SlotLayout.holds(field)) {
        columns[c] = keep(new SlotBuffer(field, layout, rows, capacity, options));
      } else if (field.type().requireCell().isBytes()) {
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

  /**
   * Each column starts as aligned as the slab. Columns are an odd number of cache lines apart: at a
   * power of two, as a batch of 1,024 rows gives, the values of one row would fall into the same
   * few lines of the cache and drive each other out of it.
   */
  private void allocateSlab(DType dtype, List<Integer> positions, Options options) {
    int perLine = options.allocationAlignment() / dtype.itemSize();
    long lines = (capacity + perLine - 1L) / perLine;
    long distance = (lines | 1) * perLine;
    Memory slab = BulkCopy.allocate(dtype, new long[] {positions.size(), distance}, options);
    memory.add(slab::release);
    for (int k = 0; k < positions.size(); k++) {
      int c = positions.get(k);
      long address = slab.address() + k * distance * dtype.itemSize();
      InputField field = reader.field(c);
      columns[c] = keep(new ScalarBuffer(field, address, capacity, field.options(options)));
    }
  }

  /** What {@code layout} copies of each row, one behind the other. */
  private ByteBuffer allocateRows(SlotLayout layout, Options options) {
    long bytes = (long) capacity * layout.rowBytes();
    Memory slab = BulkCopy.allocate(DType.UINT8, new long[] {bytes}, options);
    memory.add(slab::release);
    return Native.byteBuffer(slab.address(), bytes).order(ByteOrder.nativeOrder());
  }

  private ColumnBuffer keep(ColumnBuffer column) {
    memory.add(column);
    return column;
  }

  /** Writes an element into all of them. */
  FieldCopy copy() {
    return copy;
  }

  /** Lends the first {@code rows} rows; the caller closes the batch. */
  OwnedBatch lend(int rows, Scope scope) {
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

  /** Which of the first {@code rows} rows have an argument that is null. */
  boolean[] nullRows(int rows) {
    boolean[] nulls = new boolean[rows];
    for (int c = 0; c < columns.length; c++) {
      if (!reader.field(c).kept()) {
        columns[c].addNullRows(nulls, rows);
      }
    }
    return nulls;
  }

  /** The batch is over: the next row is row 0. */
  void clear() {
    for (ColumnBuffer column : columns) {
      column.clear();
    }
  }

  @Override
  public void close() {
    Closing.all(memory);
  }
}
