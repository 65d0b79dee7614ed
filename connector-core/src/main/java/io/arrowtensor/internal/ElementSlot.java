package io.arrowtensor.internal;

import io.arrowtensor.InterchangeException;

/** Writes single values as elements of a type, without boxing. */
public final class ElementSlot {
  private ElementSlot() {}

  /**
   * Writes {@code value}, rounded to nearest where the type is a floating-point one.
   *
   * @throws InterchangeException for a value that an integer type cannot hold
   */
  public static void put(Element element, long address, long value) {
    switch (element) {
      case FLOAT64 -> RawMemory.putDouble(address, (double) value);
      case FLOAT32 -> RawMemory.putFloat(address, (float) value);
      case FLOAT16 -> RawMemory.putShort(address, HalfFloat.bits(Casts.toOdd(value)));
      case BFLOAT16 -> RawMemory.putShort(address, HalfFloat.bfloatBits(Casts.toOdd(value)));
      default -> {
        if (value < element.low() || value > element.high()) {
          throw refusal(Long.toString(value), element);
        }
        putBits(element, address, value);
      }
    }
  }

  /**
   * Writes {@code value}, rounded to nearest; integer types drop the fraction.
   *
   * @throws InterchangeException for a value that an integer type cannot hold
   */
  public static void put(Element element, long address, double value) {
    switch (element) {
      case FLOAT64 -> RawMemory.putDouble(address, value);
      case FLOAT32 -> RawMemory.putFloat(address, (float) value);
      case FLOAT16 -> RawMemory.putShort(address, HalfFloat.bits(Casts.toOdd(value)));
      case BFLOAT16 -> RawMemory.putShort(address, HalfFloat.bfloatBits(Casts.toOdd(value)));
      default -> {
        if (!Casts.fits(value, element)) {
          throw refusal(Double.toString(value), element);
        }
        putBits(element, address, Casts.truncate(value));
      }
    }
  }

  private static void putBits(Element element, long address, long bits) {
    switch (element.width()) {
      case 1 -> RawMemory.putByte(address, (byte) bits);
      case 2 -> RawMemory.putShort(address, (short) bits);
      case 4 -> RawMemory.putInt(address, (int) bits);
      default -> RawMemory.putLong(address, bits);
    }
  }

  private static InterchangeException refusal(String value, Element element) {
    return new InterchangeException(
        "Cannot put "
            + value
            + " into an array of "
            + element.dtype()
            + ": it does not fit; clamp the value or use a wider type");
  }
}
