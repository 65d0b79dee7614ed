package io.arrowtensor.internal;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/**
 * Columns into one row-major matrix, converting elements on the way. Elements of four and eight
 * bytes go through the kernel in C: all rows at once where nothing is converted, else a tile of
 * rows at a time, which stays in the first cache between conversion and kernel.
 */
final class MatrixPack {
  private static final int TILE_ELEMENTS = 2048;
  private static final int MIN_TILE_ROWS = 64;
  private static final int ALIGNMENT = 64;

  private final long rows;
  private final Element target;
  private final int width;
  private final ColumnReader[] columns;
  private final int tileRows;

  private MatrixPack(List<Strided> columns, long rows, Element target) {
    int k = columns.size();
    this.rows = rows;
    this.target = target;
    this.width = target.width();
    this.tileRows = (int) Math.min(rows, Math.max(MIN_TILE_ROWS, TILE_ELEMENTS / k));
    this.columns = new ColumnReader[k];
    for (int c = 0; c < k; c++) {
      this.columns[c] = new ColumnReader(columns.get(c), rows, target, tileRows);
    }
  }

  /**
   * Writes {@code columns} of {@code rows} elements each to {@code out}, row by row.
   *
   * @throws io.arrowtensor.InterchangeException naming row, column and value that {@code target}
   *     cannot hold
   */
  static void write(List<Strided> columns, long rows, Element target, long out) {
    if (target.width() < 4) {
      new MatrixPack(columns, rows, target).throughTheHeap(out);
    } else if (columns.stream().allMatch(c -> c.element() == target && c.isDense())) {
      interleave(columns, rows, target.width(), out);
    } else {
      new MatrixPack(columns, rows, target).throughTheKernel(out);
    }
  }

  private static void interleave(List<Strided> columns, long rows, int width, long out) {
    Owner block = NativeBlock.allocate(null, 8L * columns.size(), ALIGNMENT);
    long addresses = NativeBlock.addressOf(block);
    try {
      for (int c = 0; c < columns.size(); c++) {
        RawMemory.putLong(addresses + 8L * c, columns.get(c).address());
      }
      Native.interleave(addresses, columns.size(), rows, width, out);
    } finally {
      block.release();
    }
  }

  private void throughTheKernel(long out) {
    int k = columns.length;
    long tileBytes = (long) tileRows * width;
    Owner block = NativeBlock.allocate(null, k * (8L + tileBytes), ALIGNMENT);
    long scratch = NativeBlock.addressOf(block);
    try {
      long tiles = scratch + 8L * k;
      ByteBuffer[] windows = new ByteBuffer[k];
      for (int c = 0; c < k; c++) {
        RawMemory.putLong(scratch + 8L * c, tiles + c * tileBytes);
        windows[c] =
            Native.byteBuffer(tiles + c * tileBytes, tileBytes).order(ByteOrder.nativeOrder());
      }
      for (long row = 0; row < rows; row += tileRows) {
        int count = (int) Math.min(tileRows, rows - row);
        for (int c = 0; c < k; c++) {
          if (columns[c].isPlain()) {
            RawMemory.putLong(scratch + 8L * c, columns[c].at(row));
          } else {
            columns[c].read(row, count).write(windows[c], 0, count);
          }
        }
        Native.interleave(scratch, k, count, width, out + row * k * width);
      }
    } finally {
      block.release();
    }
  }

  private void throughTheHeap(long out) {
    int k = columns.length;
    RawTile matrix = new RawTile(target, Math.multiplyExact(tileRows, k));
    for (long row = 0; row < rows; row += tileRows) {
      int count = (int) Math.min(tileRows, rows - row);
      for (int c = 0; c < k; c++) {
        columns[c].read(row, count).scatter(matrix, c, k, count);
      }
      long bytes = (long) count * k * width;
      ByteBuffer window = Native.byteBuffer(out + row * k * width, bytes);
      matrix.write(window.order(ByteOrder.nativeOrder()), 0, count * k);
    }
  }
}
