package io.arrowtensor;

import java.io.Serializable;

/**
 * The type of one element, as DLPack's {@code DLDataType} describes it; native byte order.
 *
 * @param code family of the type
 * @param bits bits of one lane
 * @param lanes number of lanes, 1 for scalar types
 */
public record DType(TypeCode code, int bits, int lanes) implements Serializable {
  public static final DType BOOL = new DType(TypeCode.BOOL, 8, 1);
  public static final DType INT8 = new DType(TypeCode.INT, 8, 1);
  public static final DType INT16 = new DType(TypeCode.INT, 16, 1);
  public static final DType INT32 = new DType(TypeCode.INT, 32, 1);
  public static final DType INT64 = new DType(TypeCode.INT, 64, 1);
  public static final DType UINT8 = new DType(TypeCode.UINT, 8, 1);
  public static final DType UINT16 = new DType(TypeCode.UINT, 16, 1);
  public static final DType UINT32 = new DType(TypeCode.UINT, 32, 1);
  public static final DType UINT64 = new DType(TypeCode.UINT, 64, 1);
  public static final DType FLOAT16 = new DType(TypeCode.FLOAT, 16, 1);
  public static final DType FLOAT32 = new DType(TypeCode.FLOAT, 32, 1);
  public static final DType FLOAT64 = new DType(TypeCode.FLOAT, 64, 1);
  public static final DType BFLOAT16 = new DType(TypeCode.BFLOAT, 16, 1);
  public static final DType COMPLEX64 = new DType(TypeCode.COMPLEX, 64, 1);
  public static final DType COMPLEX128 = new DType(TypeCode.COMPLEX, 128, 1);

  /** Checks the ranges of the struct fields: one byte of bits, two bytes of lanes, neither 0. */
  public DType {
    if (bits < 1 || bits > 255 || lanes < 1 || lanes > 65535) {
      throw new IllegalArgumentException(
          "Invalid dtype: bits "
              + bits
              + " (expected 1 to 255), lanes "
              + lanes
              + " (expected 1 to 65535)");
    }
  }

  /**
   * Whether an element takes whole bytes. Packed float6 and float4 do not: arrays of them have no
   * address per element.
   */
  public boolean isWholeBytes() {
    return (bits * lanes) % 8 == 0;
  }

  /** Bytes of one element, rounded up to whole bytes as in DLPack's {@code GetDataSize}. */
  public int itemSize() {
    return (bits * lanes + 7) / 8;
  }

  /** Signed or unsigned integer of 8, 16, 32 or 64 bits, one lane. */
  public boolean isInteger() {
    return (code.equals(TypeCode.INT) || code.equals(TypeCode.UINT)) && isNaturalWidth();
  }

  /** float32 or float64. */
  public boolean isJavaFloat() {
    return this.equals(FLOAT32) || this.equals(FLOAT64);
  }

  private boolean isNaturalWidth() {
    return lanes == 1 && (bits == 8 || bits == 16 || bits == 32 || bits == 64);
  }

  /**
   * NumPy's name where it has one: {@code float32}, {@code bool}, {@code bfloat16}, {@code
   * float8_e4m3fn}, {@code int32x4}.
   */
  @Override
  public String toString() {
    String scalar = code.namesBits() ? code.toString() : code.toString() + bits;
    return lanes == 1 ? scalar : scalar + "x" + lanes;
  }
}
