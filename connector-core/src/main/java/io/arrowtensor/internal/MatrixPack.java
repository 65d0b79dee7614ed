package io.arrowtensor.internal;

import java.util.List;

/**
 * Gathers columns into one row-major matrix in one pass, converting elements on the way. Works on a
 * tile of rows at a time, which stays in cache while its other columns are added.
 */
public final class MatrixPack {
  static final int TILE_ROWS = 256;

  private MatrixPack() {}

  /**
   * Writes {@code columns} of {@code rows} elements each to {@code out}, row by row.
   *
   * @throws io.arrowtensor.InterchangeException naming row, column and value that {@code target}
   *     cannot hold
   */
  static void write(List<Strided> columns, long rows, Element target, long out) {
    boolean plain =
        columns.stream().allMatch(column -> column.element() == target && column.isDense());
    if (plain && target.width() >= 4) {
      interleave(columns, rows, target.width(), out);
    } else {
      tiles(columns.toArray(new Strided[0]), rows, target, out);
    }
  }

  private static void interleave(List<Strided> columns, long rows, int width, long out) {
    long addresses = Native.allocate(8L * columns.size(), 64);
    try {
      for (int c = 0; c < columns.size(); c++) {
        RawMemory.putLong(addresses + 8L * c, columns.get(c).address());
      }
      Native.interleave(addresses, columns.size(), rows, width, out);
    } finally {
      Native.free(addresses);
    }
  }

  /** The loop in Java, for all element types and steps. */
  public static void tiles(Strided[] columns, long rows, Element target, long out) {
    int width = target.width();
    long rowBytes = (long) columns.length * width;
    ElementTile tile = new ElementTile();
    for (long row = 0; row < rows; row += TILE_ROWS) {
      int count = (int) Math.min(TILE_ROWS, rows - row);
      for (int c = 0; c < columns.length; c++) {
        Strided column = columns[c];
        long to = out + row * rowBytes + (long) c * width;
        if (column.element() == target) {
          move(column.at(row), column.step(), to, rowBytes, width, count);
        } else {
          tile.load(column, row, count, target.isFloat());
          tile.store(to, rowBytes, target);
        }
      }
    }
  }

  private static void move(long from, long step, long to, long rowBytes, int width, int count) {
    switch (width) {
      case 1 -> {
        for (int i = 0; i < count; i++) {
          RawMemory.putByte(to + i * rowBytes, RawMemory.byteAt(from + i * step));
        }
      }
      case 2 -> {
        for (int i = 0; i < count; i++) {
          RawMemory.putShort(to + i * rowBytes, RawMemory.shortAt(from + i * step));
        }
      }
      case 4 -> {
        for (int i = 0; i < count; i++) {
          RawMemory.putInt(to + i * rowBytes, RawMemory.intAt(from + i * step));
        }
      }
      default -> {
        for (int i = 0; i < count; i++) {
          RawMemory.putLong(to + i * rowBytes, RawMemory.longAt(from + i * step));
        }
      }
    }
  }
}
