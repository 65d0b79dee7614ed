package io.arrowtensor.internal;

import io.arrowtensor.InterchangeException;

/**
 * Up to {@link MatrixPack#TILE_ROWS} elements between two types: loaded from one column as longs or
 * doubles, stored as another type. One loop per source type and one per target type, nothing
 * decided per element.
 */
final class ElementTile {
  private final long[] longs = new long[MatrixPack.TILE_ROWS];
  private final double[] doubles = new double[MatrixPack.TILE_ROWS];
  private Strided column = new Strided(0, 0, Element.INT8, "");
  private long firstRow;
  private int count;
  private boolean floating;

  /**
   * Loads rows {@code [row, row + count)}; integers stay exact, but for uint64 that is to become a
   * floating-point number.
   */
  void load(Strided column, long row, int count, boolean toFloat) {
    this.column = column;
    this.firstRow = row;
    this.count = count;
    Element element = column.element();
    this.floating = element.isFloat() || (element == Element.UINT64 && toFloat);
    long at = column.at(row);
    if (floating) {
      loadDoubles(element, at, column.step());
    } else {
      loadLongs(element, at, column.step());
    }
  }

  private void loadLongs(Element element, long at, long step) {
    switch (element) {
      case BOOL -> {
        for (int i = 0; i < count; i++) {
          longs[i] = RawMemory.byteAt(at + i * step) != 0 ? 1 : 0;
        }
      }
      case INT8, UINT8 -> {
        long mask = element == Element.UINT8 ? 0xff : -1;
        for (int i = 0; i < count; i++) {
          longs[i] = RawMemory.byteAt(at + i * step) & mask;
        }
      }
      case INT16, UINT16 -> {
        long mask = element == Element.UINT16 ? 0xffff : -1;
        for (int i = 0; i < count; i++) {
          longs[i] = RawMemory.shortAt(at + i * step) & mask;
        }
      }
      case INT32, UINT32 -> {
        long mask = element == Element.UINT32 ? 0xffff_ffffL : -1;
        for (int i = 0; i < count; i++) {
          longs[i] = RawMemory.intAt(at + i * step) & mask;
        }
      }
      default -> {
        for (int i = 0; i < count; i++) {
          longs[i] = RawMemory.longAt(at + i * step);
        }
      }
    }
  }

  private void loadDoubles(Element element, long at, long step) {
    switch (element) {
      case FLOAT16 -> {
        for (int i = 0; i < count; i++) {
          doubles[i] = HalfFloat.value(RawMemory.shortAt(at + i * step));
        }
      }
      case BFLOAT16 -> {
        for (int i = 0; i < count; i++) {
          doubles[i] = HalfFloat.bfloatValue(RawMemory.shortAt(at + i * step));
        }
      }
      case FLOAT32 -> {
        for (int i = 0; i < count; i++) {
          doubles[i] = RawMemory.floatAt(at + i * step);
        }
      }
      case FLOAT64 -> {
        for (int i = 0; i < count; i++) {
          doubles[i] = RawMemory.doubleAt(at + i * step);
        }
      }
      default -> {
        for (int i = 0; i < count; i++) {
          doubles[i] = Casts.unsignedToDouble(RawMemory.longAt(at + i * step));
        }
      }
    }
  }

  /**
   * Stores the loaded elements {@code step} bytes apart.
   *
   * @throws InterchangeException for a value that {@code target} cannot hold
   */
  void store(long to, long step, Element target) {
    if (!target.isFloat()) {
      if (floating) {
        truncate(target);
      } else {
        checkRange(target);
      }
      storeLongs(to, step, target.width());
    } else if (floating) {
      storeDoubles(to, step, target);
    } else {
      storeLongsAsFloats(to, step, target);
    }
  }

  private void truncate(Element target) {
    for (int i = 0; i < count; i++) {
      if (!Casts.fits(doubles[i], target)) {
        throw refusal(i, target);
      }
      longs[i] = Casts.truncate(doubles[i]);
    }
  }

  private void checkRange(Element target) {
    long low = column.element() == Element.UINT64 ? 0 : target.low();
    long high = target.high();
    long least = high;
    long most = low;
    for (int i = 0; i < count; i++) {
      least = Math.min(least, longs[i]);
      most = Math.max(most, longs[i]);
    }
    if (least < low || most > high) {
      throw refusal(firstOutside(low, high), target);
    }
  }

  private int firstOutside(long low, long high) {
    int i = 0;
    while (longs[i] >= low && longs[i] <= high) {
      i++;
    }
    return i;
  }

  private InterchangeException refusal(int i, Element target) {
    String value =
        floating
            ? Double.toString(doubles[i])
            : column.element() == Element.UINT64
                ? Long.toUnsignedString(longs[i])
                : Long.toString(longs[i]);
    return new InterchangeException(
        "Cannot cast "
            + value
            + " in row "
            + (firstRow + i)
            + " of "
            + column.label()
            + " from "
            + column.element().dtype()
            + " to "
            + target.dtype()
            + ": it does not fit; filter or clamp the values, or use a wider type");
  }

  private void storeLongs(long to, long step, int width) {
    switch (width) {
      case 1 -> {
        for (int i = 0; i < count; i++) {
          RawMemory.putByte(to + i * step, (byte) longs[i]);
        }
      }
      case 2 -> {
        for (int i = 0; i < count; i++) {
          RawMemory.putShort(to + i * step, (short) longs[i]);
        }
      }
      case 4 -> {
        for (int i = 0; i < count; i++) {
          RawMemory.putInt(to + i * step, (int) longs[i]);
        }
      }
      default -> {
        for (int i = 0; i < count; i++) {
          RawMemory.putLong(to + i * step, longs[i]);
        }
      }
    }
  }

  private void storeDoubles(long to, long step, Element target) {
    switch (target) {
      case FLOAT16 -> {
        for (int i = 0; i < count; i++) {
          RawMemory.putShort(to + i * step, HalfFloat.bits(Casts.toOdd(doubles[i])));
        }
      }
      case BFLOAT16 -> {
        for (int i = 0; i < count; i++) {
          RawMemory.putShort(to + i * step, HalfFloat.bfloatBits(Casts.toOdd(doubles[i])));
        }
      }
      case FLOAT32 -> {
        for (int i = 0; i < count; i++) {
          RawMemory.putFloat(to + i * step, (float) doubles[i]);
        }
      }
      default -> {
        for (int i = 0; i < count; i++) {
          RawMemory.putDouble(to + i * step, doubles[i]);
        }
      }
    }
  }

  private void storeLongsAsFloats(long to, long step, Element target) {
    switch (target) {
      case FLOAT32 -> {
        for (int i = 0; i < count; i++) {
          RawMemory.putFloat(to + i * step, (float) longs[i]);
        }
      }
      case FLOAT64 -> {
        for (int i = 0; i < count; i++) {
          RawMemory.putDouble(to + i * step, (double) longs[i]);
        }
      }
      default -> {
        for (int i = 0; i < count; i++) {
          doubles[i] = Casts.toOdd(longs[i]);
        }
        storeDoubles(to, step, target);
      }
    }
  }
}
