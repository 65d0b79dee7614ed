package io.arrowtensor;

import java.io.Serializable;

/**
 * The family of an element type, numbered as DLPack's {@code DLDataTypeCode} (1.3). The set is
 * open: an unknown code is kept, printed and exported unchanged, and refused only by what must
 * understand it.
 *
 * @param code the number in DLPack structs, 0 to 255
 */
public record TypeCode(int code) implements Serializable {
  public static final TypeCode INT = new TypeCode(0);
  public static final TypeCode UINT = new TypeCode(1);
  public static final TypeCode FLOAT = new TypeCode(2);
  public static final TypeCode OPAQUE_HANDLE = new TypeCode(3);
  public static final TypeCode BFLOAT = new TypeCode(4);
  public static final TypeCode COMPLEX = new TypeCode(5);
  public static final TypeCode BOOL = new TypeCode(6);
  public static final TypeCode FLOAT8_E3M4 = new TypeCode(7);
  public static final TypeCode FLOAT8_E4M3 = new TypeCode(8);
  public static final TypeCode FLOAT8_E4M3B11FNUZ = new TypeCode(9);
  public static final TypeCode FLOAT8_E4M3FN = new TypeCode(10);
  public static final TypeCode FLOAT8_E4M3FNUZ = new TypeCode(11);
  public static final TypeCode FLOAT8_E5M2 = new TypeCode(12);
  public static final TypeCode FLOAT8_E5M2FNUZ = new TypeCode(13);
  public static final TypeCode FLOAT8_E8M0FNU = new TypeCode(14);
  public static final TypeCode FLOAT6_E2M3FN = new TypeCode(15);
  public static final TypeCode FLOAT6_E3M2FN = new TypeCode(16);
  public static final TypeCode FLOAT4_E2M1FN = new TypeCode(17);

  private static final String[] NAMES = {
    "int",
    "uint",
    "float",
    "handle",
    "bfloat",
    "complex",
    "bool",
    "float8_e3m4",
    "float8_e4m3",
    "float8_e4m3b11fnuz",
    "float8_e4m3fn",
    "float8_e4m3fnuz",
    "float8_e5m2",
    "float8_e5m2fnuz",
    "float8_e8m0fnu",
    "float6_e2m3fn",
    "float6_e3m2fn",
    "float4_e2m1fn"
  };

  /** Checks the range of the struct field, an unsigned byte. */
  public TypeCode {
    if (code < 0 || code > 255) {
      throw new IllegalArgumentException(
          "Invalid DLPack type code " + code + ": expected 0 to 255");
    }
  }

  /**
   * Whether the name alone fixes the number of bits, as for the float8, float6 and float4 families.
   */
  boolean namesBits() {
    return code >= 6 && code < NAMES.length;
  }

  /** The family's name, {@code type_code(n)} for an unknown code. */
  @Override
  public String toString() {
    return code < NAMES.length ? NAMES[code] : "type_code(" + code + ")";
  }
}
