package io.arrowtensor.internal;

/**
 * 16-bit floating-point numbers; Java has them from version 20 only. Rounds to nearest, ties to
 * even (IEEE 754).
 */
public final class HalfFloat {
  private HalfFloat() {}

  /** The binary16 bits of {@code value}. */
  public static short bits(float value) {
    int bits = Float.floatToRawIntBits(value);
    int sign = (bits >>> 16) & 0x8000;
    int magnitude = bits & 0x7fffffff;
    if (magnitude >= 0x7f800000) {
      return (short) (sign | 0x7c00 | (magnitude > 0x7f800000 ? 0x200 : 0));
    }
    if (magnitude >= 0x477ff000) {
      return (short) (sign | 0x7c00);
    }
    if (magnitude < 0x38800000) {
      // adding 0.5 lets the float unit round at the place of binary16's last subnormal bit
      int rounded = Float.floatToRawIntBits(Float.intBitsToFloat(magnitude) + 0.5f) - 0x3f000000;
      return (short) (sign | rounded);
    }
    int odd = (magnitude >>> 13) & 1;
    return (short) (sign | ((magnitude - 0x38000000 + 0xfff + odd) >>> 13));
  }

  /** The value of binary16 {@code bits}. */
  public static float value(short bits) {
    int sign = (bits & 0x8000) << 16;
    int magnitude = bits & 0x7fff;
    if (magnitude >= 0x7c00) {
      return Float.intBitsToFloat(sign | 0x7f800000 | ((magnitude & 0x3ff) << 13));
    }
    if (magnitude < 0x400) {
      float subnormal = magnitude * 0x1p-24f;
      return sign == 0 ? subnormal : -subnormal;
    }
    return Float.intBitsToFloat(sign | ((magnitude << 13) + 0x38000000));
  }

  /** The bfloat16 bits of {@code value}. */
  public static short bfloatBits(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) ((bits >>> 16) | 0x40);
    }
    return (short) ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16);
  }

  /** The value of bfloat16 {@code bits}. */
  public static float bfloatValue(short bits) {
    return Float.intBitsToFloat(bits << 16);
  }
}
