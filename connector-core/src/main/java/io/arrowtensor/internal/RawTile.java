package io.arrowtensor.internal;

import java.nio.ByteBuffer;

/**
 * A few elements of one type, on the heap: loops over Java arrays compile to several times faster
 * code than loops over addresses, which pays for the way through the heap.
 */
final class RawTile {
  private final Element element;
  private final byte[] bytes;
  private final short[] shorts;
  private final int[] ints;
  private final long[] longs;
  private final float[] floats;
  private final double[] doubles;

  /** Room for {@code capacity} elements. */
  RawTile(Element element, int capacity) {
    int width = element.width();
    boolean real = element == Element.FLOAT32 || element == Element.FLOAT64;
    this.element = element;
    this.bytes = new byte[width == 1 ? capacity : 0];
    this.shorts = new short[width == 2 ? capacity : 0];
    this.ints = new int[width == 4 && !real ? capacity : 0];
    this.longs = new long[width == 8 && !real ? capacity : 0];
    this.floats = new float[width == 4 && real ? capacity : 0];
    this.doubles = new double[width == 8 && real ? capacity : 0];
  }

  /** Elements of one byte. */
  byte[] bytes() {
    return bytes;
  }

  /** Elements of two bytes, 16-bit floating-point numbers among them. */
  short[] shorts() {
    return shorts;
  }

  /** Integers of four bytes. */
  int[] ints() {
    return ints;
  }

  /** Integers of eight bytes. */
  long[] longs() {
    return longs;
  }

  /** Elements of float32. */
  float[] floats() {
    return floats;
  }

  /** Elements of float64. */
  double[] doubles() {
    return doubles;
  }

  /** Reads {@code count} elements that follow one another, from element {@code first} on. */
  void read(ByteBuffer window, int first, int count) {
    switch (element) {
      case FLOAT32 -> window.asFloatBuffer().get(first, floats, 0, count);
      case FLOAT64 -> window.asDoubleBuffer().get(first, doubles, 0, count);
      default -> {
        switch (element.width()) {
          case 1 -> window.get(first, bytes, 0, count);
          case 2 -> window.asShortBuffer().get(first, shorts, 0, count);
          case 4 -> window.asIntBuffer().get(first, ints, 0, count);
          default -> window.asLongBuffer().get(first, longs, 0, count);
        }
      }
    }
  }

  /** Writes {@code count} elements one after the other, from element {@code first} on. */
  void write(ByteBuffer window, int first, int count) {
    switch (element) {
      case FLOAT32 -> window.asFloatBuffer().put(first, floats, 0, count);
      case FLOAT64 -> window.asDoubleBuffer().put(first, doubles, 0, count);
      default -> {
        switch (element.width()) {
          case 1 -> window.put(first, bytes, 0, count);
          case 2 -> window.asShortBuffer().put(first, shorts, 0, count);
          case 4 -> window.asIntBuffer().put(first, ints, 0, count);
          default -> window.asLongBuffer().put(first, longs, 0, count);
        }
      }
    }
  }

  /** Reads {@code count} elements that lie {@code step} bytes apart. */
  void gather(long from, long step, int count) {
    for (int i = 0; i < count; i++) {
      long at = from + i * step;
      switch (element) {
        case FLOAT32 -> floats[i] = RawMemory.floatAt(at);
        case FLOAT64 -> doubles[i] = RawMemory.doubleAt(at);
        case INT64, UINT64 -> longs[i] = RawMemory.longAt(at);
        case INT32, UINT32 -> ints[i] = RawMemory.intAt(at);
        case BOOL, INT8, UINT8 -> bytes[i] = RawMemory.byteAt(at);
        default -> shorts[i] = RawMemory.shortAt(at);
      }
    }
  }

  /** Copies {@code count} elements of one or two bytes to every {@code step}-th place. */
  void scatter(RawTile to, int first, int step, int count) {
    if (element.width() == 1) {
      for (int i = 0, at = first; i < count; i++, at += step) {
        to.bytes[at] = bytes[i];
      }
    } else {
      for (int i = 0, at = first; i < count; i++, at += step) {
        to.shorts[at] = shorts[i];
      }
    }
  }
}
