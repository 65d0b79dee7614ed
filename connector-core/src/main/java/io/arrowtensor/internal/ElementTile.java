package io.arrowtensor.internal;

import io.arrowtensor.InterchangeException;

/**
 * A few elements of one column between two types: loaded as longs or doubles, stored as another
 * type. One loop per source type and one per target type, nothing decided per element.
 */
final class ElementTile {
  private final Strided column;
  private final long[] ownLongs;
  private final double[] ownDoubles;
  private long[] longs;
  private double[] doubles;
  private long firstRow;
  private int count;
  private boolean floating;

  ElementTile(Strided column, int capacity) {
    this.column = column;
    this.ownLongs = new long[capacity];
    this.ownDoubles = new double[capacity];
    this.longs = ownLongs;
    this.doubles = ownDoubles;
  }

  /**
   * Loads {@code count} elements of {@code raw}, which start at {@code row} of the column; integers
   * stay exact, but for uint64 that is to become a floating-point number. Until they are stored,
   * {@code raw} is not changed.
   */
  void load(RawTile raw, long row, int count, boolean toFloat) {
    this.firstRow = row;
    this.count = count;
    Element element = column.element();
    this.floating = element.isFloat() || (element == Element.UINT64 && toFloat);
    if (floating) {
      doubles = element == Element.FLOAT64 ? raw.doubles() : ownDoubles;
      loadDoubles(element, raw);
    } else {
      longs = element.width() == 8 ? raw.longs() : ownLongs;
      loadLongs(element, raw);
    }
  }

  private void loadLongs(Element element, RawTile raw) {
    switch (element) {
      case BOOL -> {
        byte[] from = raw.bytes();
        for (int i = 0; i < count; i++) {
          longs[i] = from[i] != 0 ? 1 : 0;
        }
      }
      case INT8, UINT8 -> {
        byte[] from = raw.bytes();
        long mask = element == Element.UINT8 ? 0xff : -1;
        for (int i = 0; i < count; i++) {
          longs[i] = from[i] & mask;
        }
      }
      case INT16, UINT16 -> {
        short[] from = raw.shorts();
        long mask = element == Element.UINT16 ? 0xffff : -1;
        for (int i = 0; i < count; i++) {
          longs[i] = from[i] & mask;
        }
      }
      case INT32, UINT32 -> {
        int[] from = raw.ints();
        long mask = element == Element.UINT32 ? 0xffff_ffffL : -1;
        for (int i = 0; i < count; i++) {
          longs[i] = from[i] & mask;
        }
      }
      default -> {} // read where they are
    }
  }

  private void loadDoubles(Element element, RawTile raw) {
    switch (element) {
      case FLOAT16 -> {
        short[] from = raw.shorts();
        for (int i = 0; i < count; i++) {
          doubles[i] = HalfFloat.value(from[i]);
        }
      }
      case BFLOAT16 -> {
        short[] from = raw.shorts();
        for (int i = 0; i < count; i++) {
          doubles[i] = HalfFloat.bfloatValue(from[i]);
        }
      }
      case FLOAT32 -> {
        float[] from = raw.floats();
        for (int i = 0; i < count; i++) {
          doubles[i] = from[i];
        }
      }
      case UINT64 -> {
        long[] from = raw.longs();
        for (int i = 0; i < count; i++) {
          doubles[i] = Casts.unsignedToDouble(from[i]);
        }
      }
      default -> {} // read where they are
    }
  }

  /**
   * Stores the loaded elements.
   *
   * @throws InterchangeException for a value that {@code target} cannot hold
   */
  void store(RawTile to, Element target) {
    if (!target.isFloat()) {
      if (floating) {
        truncate(target);
      } else {
        checkRange(target);
      }
      storeIntegers(to, target.width());
    } else if (floating) {
      storeDoubles(to, target);
    } else {
      storeLongs(to, target);
    }
  }

  private void truncate(Element target) {
    longs = ownLongs;
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
    String message =
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
            + ": it does not fit; filter or clamp the values, or use a wider type";
    return new InterchangeException(message).atRow(firstRow + i);
  }

  private void storeIntegers(RawTile to, int width) {
    switch (width) {
      case 1 -> {
        byte[] out = to.bytes();
        for (int i = 0; i < count; i++) {
          out[i] = (byte) longs[i];
        }
      }
      case 2 -> {
        short[] out = to.shorts();
        for (int i = 0; i < count; i++) {
          out[i] = (short) longs[i];
        }
      }
      case 4 -> {
        int[] out = to.ints();
        for (int i = 0; i < count; i++) {
          out[i] = (int) longs[i];
        }
      }
      default -> System.arraycopy(longs, 0, to.longs(), 0, count);
    }
  }

  private void storeDoubles(RawTile to, Element target) {
    switch (target) {
      case FLOAT16 -> {
        short[] out = to.shorts();
        for (int i = 0; i < count; i++) {
          out[i] = HalfFloat.bits(Casts.toOdd(doubles[i]));
        }
      }
      case BFLOAT16 -> {
        short[] out = to.shorts();
        for (int i = 0; i < count; i++) {
          out[i] = HalfFloat.bfloatBits(Casts.toOdd(doubles[i]));
        }
      }
      case FLOAT32 -> {
        float[] out = to.floats();
        for (int i = 0; i < count; i++) {
          out[i] = (float) doubles[i];
        }
      }
      default -> System.arraycopy(doubles, 0, to.doubles(), 0, count);
    }
  }

  private void storeLongs(RawTile to, Element target) {
    switch (target) {
      case FLOAT32 -> {
        float[] out = to.floats();
        for (int i = 0; i < count; i++) {
          out[i] = (float) longs[i];
        }
      }
      case FLOAT64 -> {
        double[] out = to.doubles();
        for (int i = 0; i < count; i++) {
          out[i] = (double) longs[i];
        }
      }
      default -> {
        doubles = ownDoubles;
        for (int i = 0; i < count; i++) {
          doubles[i] = Casts.toOdd(longs[i]);
        }
        storeDoubles(to, target);
      }
    }
  }
}
