package io.arrowtensor.python;

import io.arrowtensor.DType;
import io.arrowtensor.InvalidStructException;
import io.arrowtensor.UnsupportedTypeException;

/**
 * The element type of a {@code Py_buffer}: the {@code struct} module's format with PEP 3118's
 * additions.
 */
final class BufferFormat {
  /** Of a format with its terminating 0; records have long ones. */
  static final int MAX_LENGTH = 1 << 16;

  /** What a null format means. */
  static final DType BYTES = DType.UINT8;

  private static final int SHOWN = 40;

  private BufferFormat() {}

  /** The type of one element; refuses by name what tensors do not have. */
  static DType parse(String format) {
    char first = format.isEmpty() ? ' ' : format.charAt(0);
    boolean prefixed = "@=<>!".indexOf(first) >= 0;
    boolean standard = prefixed && first != '@';
    String code = prefixed ? format.substring(1) : format;
    DType dtype = element(code, standard, format);
    boolean bigEndian = first == '>' || first == '!';
    boolean swapped = NumpyType.NATIVE == '<' ? bigEndian : first == '<';
    if (swapped && dtype.itemSize() > 1) {
      throw refused(
          format,
          "their bytes are not in this machine's order; convert them with"
              + " a.astype(a.dtype.newbyteorder('='))");
    }
    return dtype;
  }

  private static DType element(String code, boolean standard, String format) {
    return switch (code) {
      case "c" -> DType.UINT8;
      case "l" -> standard ? DType.INT32 : DType.INT64;
      case "L" -> standard ? DType.UINT32 : DType.UINT64;
      case "n" -> nativeOnly(DType.INT64, standard, format);
      case "N" -> nativeOnly(DType.UINT64, standard, format);
      default -> named(code, format);
    };
  }

  private static DType nativeOnly(DType dtype, boolean standard, String format) {
    if (standard) {
      throw new InvalidStructException(
          "Invalid format '" + format + "' of a Py_buffer: 'n' and 'N' have no standard size");
    }
    return dtype;
  }

  private static DType named(String code, String format) {
    for (NumpyType type : NumpyType.values()) {
      if (type.format.equals(code)) {
        return type.dtype;
      }
    }
    if (code.isEmpty()) {
      throw new InvalidStructException(
          "Invalid format '" + format + "' of a Py_buffer: it names no element");
    }
    throw refused(format, reason(code));
  }

  private static String reason(String code) {
    String convert = "; convert them to numbers of one type";
    char first = code.charAt(0);
    if (code.startsWith("T{")) {
      return "they are records" + convert;
    }
    if (Character.isDigit(first) || first == '(') {
      return "a count makes them strings or arrays in an array" + convert;
    }
    return switch (first) {
      case 's', 'p' -> "they are byte strings" + convert;
      case 'u', 'w' -> "they are Unicode strings" + convert;
      case 'O' -> "they are Python objects" + convert;
      case 'g' -> "they are long doubles; convert them to floats of 64 bits";
      case 'Z' -> "they are complex numbers of long doubles; convert them to complex128";
      case 'P', '&', 'X' -> "they are pointers" + convert;
      case 't' -> "they are bits; convert them to bools of one byte";
      case 'x' -> "they are raw bytes" + convert;
      default -> "expected one letter of '? b B c h H i I l L q Q n N e f d', Zf or Zd";
    };
  }

  private static UnsupportedTypeException refused(String format, String why) {
    return new UnsupportedTypeException(
        "Cannot read elements of format '"
            + (format.length() > SHOWN ? format.substring(0, SHOWN) + "..." : format)
            + "' of a Py_buffer: "
            + why);
  }
}
