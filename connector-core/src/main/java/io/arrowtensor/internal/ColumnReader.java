package io.arrowtensor.internal;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Reads one column as elements of another type, a tile of rows at a time, front to back. */
final class ColumnReader {
  /** A buffer over memory costs a native call, so one lasts for many tiles; below 2 GiB. */
  private static final long WINDOW_ROWS = 1 << 24;

  private final Strided column;
  private final long rows;
  private final Element target;
  private final RawTile raw;
  private final RawTile converted;
  private final ElementTile conversion;
  private ByteBuffer window = ByteBuffer.allocate(0);
  private long windowStart;
  private long windowEnd;

  ColumnReader(Strided column, long rows, Element target, int tileRows) {
    boolean same = column.element() == target;
    this.column = column;
    this.rows = rows;
    this.target = target;
    this.raw = new RawTile(column.element(), tileRows);
    this.converted = same ? raw : new RawTile(target, tileRows);
    this.conversion = new ElementTile(column, same ? 0 : tileRows);
  }

  /** Whether the column's own memory has the elements asked for, without gaps. */
  boolean isPlain() {
    return raw == converted && column.isDense();
  }

  /** The address of {@code row} in the column's own memory. */
  long at(long row) {
    return column.at(row);
  }

  /** Rows {@code [row, row + count)}, valid until the next call. */
  RawTile read(long row, int count) {
    if (column.isDense()) {
      readDense(row, count);
    } else {
      raw.gather(column.at(row), column.step(), count);
    }
    if (raw != converted) {
      conversion.load(raw, row, count, target.isFloat());
      conversion.store(converted, target);
    }
    return converted;
  }

  private void readDense(long row, int count) {
    if (row + count > windowEnd) {
      windowStart = row;
      windowEnd = row + Math.max(count, Math.min(WINDOW_ROWS, rows - row));
      long bytes = (windowEnd - windowStart) * column.step();
      window = Native.byteBuffer(column.at(row), bytes).order(ByteOrder.nativeOrder());
    }
    raw.read(window, (int) (row - windowStart), count);
  }
}
