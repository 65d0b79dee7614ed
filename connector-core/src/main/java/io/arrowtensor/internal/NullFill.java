package io.arrowtensor.internal;

import io.arrowtensor.DType;
import io.arrowtensor.TypeCode;
import io.arrowtensor.UnsupportedTypeException;

/** Overwrites null slots, whose memory holds garbage, with a value. */
public final class NullFill {
  private NullFill() {}

  /**
   * Writes {@code value} into each group of {@code groupSize} elements whose byte in {@code mask}
   * is 0.
   *
   * @param values address of contiguous, writable elements
   * @param groups number of groups and of mask bytes
   * @param mask address of one byte a group, 0 = null
   * @param value converted by a Java cast
   * @throws UnsupportedTypeException for an element type in which only 0 can be written, and
   *     another value
   */
  public static void fill(
      long values, DType dtype, long groups, long groupSize, long mask, double value) {
    long bits = bits(dtype, value);
    int width = dtype.itemSize();
    long groupBytes = groupSize * width;
    for (long g = 0; g < groups; g++) {
      if (RawMemory.byteAt(mask + g) == 0) {
        write(values + g * groupBytes, groupBytes, width, bits);
      }
    }
  }

  private static void write(long address, long bytes, int width, long bits) {
    for (long at = address; at < address + bytes; at += width) {
      switch (width) {
        case 1 -> RawMemory.putByte(at, (byte) bits);
        case 2 -> RawMemory.putShort(at, (short) bits);
        case 4 -> RawMemory.putInt(at, (int) bits);
        case 8 -> RawMemory.putLong(at, bits);
        default -> RawMemory.fill(at, width, (byte) 0);
      }
    }
  }

  /** The bits of {@code value} as an element of {@code dtype}, in the low bytes. */
  public static long bits(DType dtype, double value) {
    if (dtype.equals(DType.FLOAT64)) {
      return Double.doubleToRawLongBits(value);
    }
    if (dtype.equals(DType.FLOAT32)) {
      return Float.floatToRawIntBits((float) value);
    }
    if (dtype.equals(DType.FLOAT16)) {
      return HalfFloat.bits((float) value);
    }
    if (dtype.equals(DType.BFLOAT16)) {
      return HalfFloat.bfloatBits((float) value);
    }
    if (dtype.isInteger()) {
      // A cast to a narrow integer goes through int in Java; uint32 has no type there.
      return dtype.bits() > 32 || dtype.equals(DType.UINT32) ? (long) value : (int) value;
    }
    if (dtype.code().equals(TypeCode.BOOL)) {
      return value != 0 ? 1 : 0;
    }
    if (value == 0) {
      return 0;
    }
    throw new UnsupportedTypeException(
        "Cannot fill nulls of " + dtype + " with " + value + ": only 0 can be written there");
  }
}
