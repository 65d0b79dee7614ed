package io.arrowtensor;

import io.arrowtensor.internal.Element;
import io.arrowtensor.internal.ElementSlot;
import io.arrowtensor.internal.NativeBlock;
import io.arrowtensor.internal.Owner;
import io.arrowtensor.internal.RawMemory;
import org.apache.arrow.memory.BufferAllocator;
import org.jspecify.annotations.Nullable;

/**
 * Writes rows straight into a row-major matrix {@code [capacity, k]} in 64-byte aligned native
 * memory, and hands the rows written so far out without copy.
 *
 * <pre>{@code
 * try (RowWriter writer = RowWriter.allocate(allocator, DType.FLOAT32, 1024, 2)) {
 *   writer.put(0, 1.5f);
 *   writer.put(1, 2.5f);
 *   writer.endRow();
 *   try (DeviceArray matrix = writer.finish()) { ... }
 * }
 * }</pre>
 *
 * <p>One thread at a time. After {@link #finish()} the writer starts over in memory of its own, so
 * one writer serves a stream of batches while earlier ones are still in use.
 */
public final class RowWriter implements AutoCloseable {
  private static final int ALIGNMENT = 64;

  private final @Nullable BufferAllocator allocator;
  private final Element element;
  private final int capacity;
  private final int columns;
  private final int width;
  private final long rowBytes;
  private @Nullable Owner slab;
  private long row;
  private int rows;
  private boolean closed;

  private RowWriter(
      @Nullable BufferAllocator allocator, Element element, int capacity, int columns) {
    this.allocator = allocator;
    this.element = element;
    this.capacity = capacity;
    this.columns = columns;
    this.width = element.width();
    this.rowBytes = (long) columns * width;
  }

  /**
   * A writer that has its first slab.
   *
   * @param allocator where each slab is accounted, null for none
   * @param dtype bool, an integer, float16, bfloat16, float32 or float64
   * @param capacity rows of one slab, at least 1
   * @param columns elements of a row, at least 1
   * @throws UnsupportedTypeException for another element type
   */
  public static RowWriter allocate(
      @Nullable BufferAllocator allocator, DType dtype, int capacity, int columns) {
    if (capacity < 1 || columns < 1) {
      throw new InterchangeException(
          "Cannot allocate a matrix of "
              + capacity
              + " rows and "
              + columns
              + " columns: both must be at least 1");
    }
    RowWriter writer = new RowWriter(allocator, Element.of(dtype, "the matrix"), capacity, columns);
    writer.start();
    return writer;
  }

  private void start() {
    long bytes = capacity * rowBytes;
    Owner owner = NativeBlock.allocate(allocator, bytes, ALIGNMENT);
    slab = owner;
    rows = 0;
    row = NativeBlock.addressOf(owner);
    RawMemory.fill(row, bytes, (byte) 0);
  }

  /**
   * Sets an element of the current row; integers drop the fraction, narrower floating-point types
   * round to nearest. An element that is never set is 0.
   *
   * @throws InterchangeException when the slab is full, there is no such column, or the value does
   *     not fit
   */
  public void put(int column, double value) {
    ElementSlot.put(element, slot(column), value);
  }

  /** As {@link #put(int, double)}. */
  public void put(int column, float value) {
    ElementSlot.put(element, slot(column), (double) value);
  }

  /** As {@link #put(int, double)}, exact for integer types. */
  public void put(int column, long value) {
    ElementSlot.put(element, slot(column), value);
  }

  private long slot(int column) {
    if (column < 0 || column >= columns) {
      throw new InterchangeException(
          "Cannot put into column " + column + ": the matrix has columns 0 to " + (columns - 1));
    }
    requireRoom();
    return row + (long) column * width;
  }

  private void requireRoom() {
    if (closed) {
      throw new IllegalStateException("Cannot write rows: the writer was closed");
    }
    if (slab == null) {
      start();
    }
    if (rows == capacity) {
      throw new InterchangeException(
          "Cannot write row "
              + rows
              + ": the matrix is full at "
              + capacity
              + " rows; call finish() first, or allocate more");
    }
  }

  /**
   * Completes the current row.
   *
   * @throws InterchangeException when the slab is full
   */
  public void endRow() {
    requireRoom();
    rows++;
    row += rowBytes;
  }

  /** The number of completed rows. */
  public int rows() {
    return rows;
  }

  /** The number of rows that one slab takes. */
  public int capacity() {
    return capacity;
  }

  /** Whether the next row needs {@link #finish()} first. */
  public boolean isFull() {
    return rows == capacity;
  }

  /**
   * Hands out the completed rows in the memory where they were written; a row begun but not ended
   * is dropped. The next row goes to a new slab.
   *
   * @return a writable {@code [rows, k]} array that owns the slab and that the caller closes; its
   *     bytes count as copied from rows ({@link CopyReason#ROWS})
   */
  public DeviceArray finish() {
    if (closed) {
      throw new IllegalStateException("Cannot finish: the writer was closed");
    }
    if (slab == null) {
      start();
    }
    Owner owner = java.util.Objects.requireNonNull(slab);
    long written = rows;
    slab = null;
    rows = 0;
    return DeviceArray.from(
        Memory.borrow(NativeBlock.addressOf(owner), element.dtype(), written, columns)
            .withReadOnly(false)
            .withOwner(owner)
            .withOutcome(Outcome.copied(written * rowBytes, CopyReason.ROWS)));
  }

  /** Frees the slab that was not handed out. Idempotent. */
  @Override
  public void close() {
    closed = true;
    if (slab != null) {
      slab.release();
      slab = null;
    }
  }
}
