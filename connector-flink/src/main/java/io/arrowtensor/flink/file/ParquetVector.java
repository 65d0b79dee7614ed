package io.arrowtensor.flink.file;

import io.arrowtensor.BatchSchema.Column;
import io.arrowtensor.CopyReason;
import io.arrowtensor.DType;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.InvalidStructException;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;
import io.arrowtensor.UnsupportedTypeException;
import io.arrowtensor.flink.file.ParquetPages.Page;
import io.arrowtensor.internal.BulkCopy;
import io.arrowtensor.internal.RawMemory;
import java.util.Arrays;

/**
 * Where the values of one column go: from the bytes of a page to the native memory of a batch, with
 * no more on the heap in between than a block of values that the first cache holds. Used again for
 * every batch.
 */
abstract class ParquetVector {
  final Column column;
  private final byte[] present;
  private long address;
  private int rows;
  private boolean nulls;
  private boolean indices;
  private boolean decoded;

  ParquetVector(Column column, int capacity) {
    this.column = column;
    this.present = new byte[capacity];
  }

  /** Bytes of one value in the memory that {@link #start} gets; 0 where that needs none. */
  abstract int width();

  /** Forgets the dictionary of the last row group. */
  abstract void open();

  /** Whether there is a dictionary. */
  abstract boolean hasWords();

  /** Copies the dictionary that {@code page} is. */
  abstract void words(Page page);

  /** Reads from {@code page} from now on; an encoding that is not known is refused. */
  abstract void values(Page page);

  /** Reads the next {@code rows} values of the page. */
  abstract void read(int row, int rows);

  /**
   * Reads the next {@code values} values of the page to those of {@code rows} rows, a block at
   * most, that are present.
   *
   * @param present one for each row that is, else zero
   */
  abstract void spread(int row, int rows, int values, int[] present);

  /** The column without its nulls; takes over {@code memory}, also when it fails. */
  abstract DeviceColumn column(int rows, Memory memory, Options options);

  /** Makes {@code page} the one that is read, or its dictionary. */
  final void page(Page page) {
    if (!page.dictionary()) {
      indices = page.hasIndices();
      if (indices && !hasWords()) {
        throw new InvalidStructException("a page has indices, but there is no dictionary");
      }
      values(page);
    } else if (hasWords()) {
      throw new InvalidStructException("there is more than one dictionary");
    } else {
      words(page);
    }
  }

  /** The error of a page that is encoded in a way that this does not know. */
  final UnsupportedTypeException unknown(Page page) {
    return new UnsupportedTypeException(
        "a page is encoded as " + page.encoding() + "; write it in another way, or leave it out");
  }

  /**
   * The next batch has {@code rows}, no more than this was made for, and goes to {@code address}.
   */
  void start(long address, int rows) {
    this.address = address;
    this.rows = rows;
    nulls = false;
    decoded = false;
  }

  /** Where the value of a row goes. */
  final long at(int row) {
    return address + (long) row * width();
  }

  /** Reads {@code rows} values of the page that is read. */
  final void readAll(int row, int rows) {
    decoded |= indices;
    read(row, rows);
    if (column.nullable()) {
      Arrays.fill(present, row, row + rows, (byte) 1);
    }
  }

  /**
   * Reads {@code rows} rows of the page that is read, a block at most.
   *
   * @param levels one for each row that has a value, else zero
   */
  final void readPresent(int row, int rows, int[] levels) {
    int values = 0;
    for (int i = 0; i < rows; i++) {
      values += levels[i];
      present[row + i] = (byte) levels[i];
    }
    decoded |= indices;
    if (values == rows) {
      read(row, rows);
    } else {
      nulls = true;
      spread(row, rows, values, levels);
    }
  }

  /**
   * Completes the batch; the caller closes the column.
   *
   * @param memory at the address that was started with; passes to the column
   */
  final DeviceColumn finish(Memory memory, Options options) {
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
  final CopyReason reason() {
    if (column.dtype().equals(DType.BOOL)) {
      return CopyReason.BIT_PACKED;
    }
    return decoded ? CopyReason.DICTIONARY : CopyReason.ON_HEAP;
  }
}
