package io.arrowtensor.internal;

/**
 * Single conversions between number types that Java's casts lack. Where one target takes two steps,
 * the first one rounds to odd, so that the second rounds as if there were only one.
 */
final class Casts {
  private Casts() {}

  /** The value of an unsigned {@code bits}, rounded to nearest. */
  static double unsignedToDouble(long bits) {
    return bits >= 0 ? bits : ((bits >>> 1) | (bits & 1)) * 2.0;
  }

  /** A float that rounds on to a 16-bit type as {@code value} itself would. */
  static float toOdd(double value) {
    float nearest = (float) value;
    if (nearest == value || Double.isNaN(value)) {
      return nearest;
    }
    int bits = Float.floatToRawIntBits(nearest);
    return Float.intBitsToFloat((Math.abs(nearest) > Math.abs(value) ? bits - 1 : bits) | 1);
  }

  /** As {@link #toOdd(double)}, of an integer. */
  static float toOdd(long value) {
    double nearest = (double) value;
    long back = (long) nearest;
    if (back == value) {
      return toOdd(nearest);
    }
    long bits = Double.doubleToRawLongBits(nearest);
    boolean beyond = value > 0 ? back > value : back < value;
    return toOdd(Double.longBitsToDouble((beyond ? bits - 1 : bits) | 1));
  }

  /** Whether {@code value} without its fraction is a value of the integer type {@code target}. */
  static boolean fits(double value, Element target) {
    if (target == Element.UINT64) {
      return value > -1 && value < 0x1p64;
    }
    long whole = (long) value;
    return value >= -0x1p63 && value < 0x1p63 && whole >= target.low() && whole <= target.high();
  }

  /** The integer, signed or unsigned, that {@code value} is without its fraction. */
  static long truncate(double value) {
    return value >= 0x1p63 ? (long) (value - 0x1p63) ^ Long.MIN_VALUE : (long) value;
  }
}
