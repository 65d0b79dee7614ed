package io.arrowtensor.internal;

import io.arrowtensor.DType;
import io.arrowtensor.UnsupportedTypeException;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The element types that this library converts into one another, so that loops can switch. */
@SuppressWarnings("ImmutableEnumChecker") // a DType is a record of numbers
public enum Element {
  BOOL(DType.BOOL, 0, 1),
  INT8(DType.INT8, Byte.MIN_VALUE, Byte.MAX_VALUE),
  INT16(DType.INT16, Short.MIN_VALUE, Short.MAX_VALUE),
  INT32(DType.INT32, Integer.MIN_VALUE, Integer.MAX_VALUE),
  INT64(DType.INT64, Long.MIN_VALUE, Long.MAX_VALUE),
  UINT8(DType.UINT8, 0, 0xff),
  UINT16(DType.UINT16, 0, 0xffff),
  UINT32(DType.UINT32, 0, 0xffff_ffffL),
  UINT64(DType.UINT64, 0, Long.MAX_VALUE),
  FLOAT16(DType.FLOAT16, 0, 0),
  BFLOAT16(DType.BFLOAT16, 0, 0),
  FLOAT32(DType.FLOAT32, 0, 0),
  FLOAT64(DType.FLOAT64, 0, 0);

  private static final Map<DType, Element> BY_DTYPE = byDType();

  private final DType dtype;
  private final long low;
  private final long high;

  Element(DType dtype, long low, long high) {
    this.dtype = dtype;
    this.low = low;
    this.high = high;
  }

  private static Map<DType, Element> byDType() {
    Map<DType, Element> map = new HashMap<>();
    for (Element element : values()) {
      map.put(element.dtype, element);
    }
    return map;
  }

  /** The element type of {@code dtype}, null when it is not among those that are converted. */
  public static @Nullable Element find(DType dtype) {
    return BY_DTYPE.get(dtype);
  }

  /**
   * The element type of {@code dtype}.
   *
   * @param what the array as errors name it
   * @throws UnsupportedTypeException when it is not among those that are converted
   */
  public static Element of(DType dtype, String what) {
    Element element = find(dtype);
    if (element == null) {
      throw new UnsupportedTypeException(
          "Cannot convert elements of "
              + what
              + " ("
              + dtype
              + "): only bool, integers, float16, bfloat16, float32 and float64 are converted");
    }
    return element;
  }

  public DType dtype() {
    return dtype;
  }

  /** Bytes of one element. */
  public int width() {
    return dtype.itemSize();
  }

  /** Whether values may have fractions. */
  public boolean isFloat() {
    return this == FLOAT16 || this == BFLOAT16 || this == FLOAT32 || this == FLOAT64;
  }

  /** Whether every value of this type has a counterpart here that a cast can give. */
  public boolean castsFrom(Element source) {
    return this != BOOL || source == BOOL;
  }

  /** The smallest value of an integer type. */
  long low() {
    return low;
  }

  /** The largest value of an integer type that a Java long can hold. */
  long high() {
    return high;
  }
}
