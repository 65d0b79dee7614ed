package io.arrowtensor.flink.file;

import io.arrowtensor.BatchSchema.Column;
import io.arrowtensor.CopyReason;
import io.arrowtensor.DType;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;
import io.arrowtensor.Outcome;
import io.arrowtensor.internal.BulkCopy;
import io.arrowtensor.internal.RawMemory;
import java.util.Arrays;
import java.util.Objects;
import org.apache.flink.table.data.columnar.vector.Dictionary;
import org.apache.flink.table.data.columnar.vector.heap.HeapIntVector;
import org.apache.flink.table.data.columnar.vector.writable.WritableColumnVector;
import org.apache.flink.table.data.columnar.vector.writable.WritableIntVector;
import org.jspecify.annotations.Nullable;

/**
 * Where Flink's Parquet readers write the values of one column: a page's bytes go to the batch's
 * native memory at once, without the heap vectors in between that Flink's rows are made of. Indices
 * into a dictionary are kept, and looked up together at the end. Used again for every batch.
 */
abstract class ParquetVector implements WritableColumnVector {
  final Column column;
  private final byte[] present;
  private long address;
  private int rows;
  private boolean nulls;
  private @Nullable Dictionary dictionary;
  private @Nullable HeapIntVector ids;
  private boolean decoded;

  ParquetVector(Column column, int capacity) {
    this.column = column;
    this.present = new byte[capacity];
  }

  /** Bytes of one value in the memory that {@link #start} gets; 0 where that needs none. */
  abstract int width();

  /**
   * The next batch has {@code rows}, no more than this was made for, and goes to {@code address}.
   */
  final void start(long address, int rows) {
    this.address = address;
    this.rows = rows;
    reset();
  }

  /** Where the value of a row goes. */
  final long at(int row) {
    return address + (long) row * width();
  }

  /** Writes zeros for {@code rows} null rows. */
  void clear(int row, int rows) {
    RawMemory.fill(at(row), (long) rows * width(), (byte) 0);
  }

  /** Looks up the values of all rows. */
  abstract void decode(int rows, int[] indices, Dictionary words);

  /** The column without its nulls; takes over {@code memory}, also when it fails. */
  DeviceColumn column(int rows, Memory memory, Options options) {
    Memory values = memory.withOutcome(Outcome.copied(memory.nbytes(), reason()));
    return DeviceColumn.of(column.name(), DeviceArray.from(values));
  }

  /**
   * Completes the batch; the caller closes the column.
   *
   * @param memory at the address that was started with; passes to the column
   */
  final DeviceColumn finish(Memory memory, Options options) {
    try {
      Dictionary words = dictionary;
      if (words != null) {
        decoded = true;
        decode(rows, Objects.requireNonNull(ids).vector, words);
      }
    } catch (RuntimeException | Error e) {
      memory.release();
      throw e;
    }
    DeviceColumn finished = column(rows, memory, options);
    try {
      return nulls ? finished.withValidity(validity(options)) : finished;
    } catch (RuntimeException | Error e) {
      finished.close();
      throw e;
    }
  }

  private DeviceArray validity(Options options) {
    Memory flags =
        BulkCopy.allocateLike(Memory.borrow(0, DType.BOOL, rows), options, CopyReason.VALIDITY);
    RawMemory.copyFrom(present, 0, flags.address(), rows);
    return DeviceArray.from(flags);
  }

  /** Why the bytes of this batch are not where they were in the file. */
  CopyReason reason() {
    return decoded ? CopyReason.DICTIONARY : CopyReason.ON_HEAP;
  }

  final boolean isPresent(int row) {
    return !nulls || present[row] != 0;
  }

  /** Refuses what lies outside, as raw memory follows. */
  final void requireRows(int row, int count) {
    Objects.checkFromIndexSize(row, count, rows);
  }

  /** As {@link #requireRows}, for one row. */
  final void requireRow(int row) {
    Objects.checkIndex(row, rows);
  }

  /** What Flink's rows would call; these values are read elsewhere. */
  final UnsupportedOperationException unread() {
    return new UnsupportedOperationException("Cannot use column '" + column.name() + "' by rows");
  }

  @Override
  public void reset() {
    nulls = false;
    dictionary = null;
    decoded = false;
  }

  @Override
  public final void setNullAt(int row) {
    setNulls(row, 1);
  }

  @Override
  public final void setNulls(int row, int count) {
    requireRows(row, count);
    if (!nulls) {
      nulls = true;
      Arrays.fill(present, (byte) 1);
    }
    Arrays.fill(present, row, row + count, (byte) 0);
    clear(row, count);
  }

  @Override
  public final void fillWithNulls() {
    setNulls(0, rows);
  }

  @Override
  public final boolean isNullAt(int row) {
    return !isPresent(row);
  }

  /** Null when pages without dictionary follow: then Flink's reader has looked up all before. */
  @Override
  public final void setDictionary(@Nullable Dictionary words) {
    decoded |= words == null && dictionary != null;
    dictionary = words;
  }

  @Override
  public final boolean hasDictionary() {
    return dictionary != null;
  }

  @Override
  public final WritableIntVector reserveDictionaryIds(int count) {
    HeapIntVector reserved = ids;
    if (reserved == null) {
      reserved = new HeapIntVector(present.length);
      ids = reserved;
    }
    reserved.reset();
    Arrays.fill(reserved.vector, 0); // as the slab is: a row that a corrupt page skips is no older
    return reserved;
  }

  @Override
  public final WritableIntVector getDictionaryIds() {
    return Objects.requireNonNull(ids);
  }
}
