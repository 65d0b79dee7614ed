package io.arrowtensor.arrow;

import io.arrowtensor.DType;
import io.arrowtensor.InvalidStructException;
import io.arrowtensor.Storage;
import io.arrowtensor.TypeCode;
import io.arrowtensor.UnsupportedTypeException;
import java.util.Map;
import org.apache.arrow.vector.types.DateUnit;
import org.apache.arrow.vector.types.FloatingPointPrecision;
import org.apache.arrow.vector.types.pojo.ArrowType;

/**
 * Which element type an Arrow type has, and the other way round. Types without a counterpart in
 * Arrow travel as the extension {@value #DTYPE_EXTENSION} over fixed-size binary, its metadata
 * {@code code,bits,lanes} in decimal.
 */
final class ElementTypes {
  /**
   * Name of the extension for element types that Arrow lacks: complex, bfloat16, the float8 family,
   * vector lanes.
   */
  static final String DTYPE_EXTENSION = "arrowtensor.dtype";

  static final String BOOL8 = "arrow.bool8";

  private ElementTypes() {}

  /**
   * The element type; bit-packed booleans count as {@link DType#BOOL}, which takes an unpacking
   * copy.
   */
  static DType of(Element element, Storage storage) {
    ArrowType type = element.type();
    String extension = element.extension();
    if (BOOL8.equals(extension)) {
      requireStorage(element, type.equals(new ArrowType.Int(8, true)));
      return DType.BOOL;
    }
    if (DTYPE_EXTENSION.equals(extension)) {
      requireStorage(element, type instanceof ArrowType.FixedSizeBinary);
      return parse(element, ((ArrowType.FixedSizeBinary) type).getByteWidth());
    }
    return plain(element, type, storage);
  }

  private static DType plain(Element element, ArrowType type, Storage storage) {
    if (type instanceof ArrowType.Int integer) {
      return new DType(
          integer.getIsSigned() ? TypeCode.INT : TypeCode.UINT, integer.getBitWidth(), 1);
    }
    if (type instanceof ArrowType.FloatingPoint floating) {
      return switch (floating.getPrecision()) {
        case HALF -> DType.FLOAT16;
        case SINGLE -> DType.FLOAT32;
        case DOUBLE -> DType.FLOAT64;
      };
    }
    if (type instanceof ArrowType.Bool) {
      return DType.BOOL;
    }
    DType temporal = temporal(type);
    if (temporal == null) {
      return refuse(element);
    }
    if (storage == Storage.REFUSE) {
      throw new UnsupportedTypeException(
          "Cannot hand out "
              + element.label()
              + " of type "
              + type
              + " as numbers unasked: its integers have a unit; ask with"
              + " Options.withStorage(Storage.AS_INTEGERS)");
    }
    return temporal;
  }

  private static @org.jspecify.annotations.Nullable DType temporal(ArrowType type) {
    if (type instanceof ArrowType.Date date) {
      return date.getUnit() == DateUnit.DAY ? DType.INT32 : DType.INT64;
    }
    if (type instanceof ArrowType.Time time) {
      return time.getBitWidth() == 32 ? DType.INT32 : DType.INT64;
    }
    return type instanceof ArrowType.Timestamp || type instanceof ArrowType.Duration
        ? DType.INT64
        : null;
  }

  private static DType refuse(Element element) {
    throw new UnsupportedTypeException(
        "Cannot hand out "
            + element.label()
            + " of type "
            + element.type()
            + " as an array: tensors have no such type; cast it to a number"
            + " or leave it out");
  }

  private static DType parse(Element element, int byteWidth) {
    String text = element.metadata();
    try {
      String[] parts = text.split(",", -1);
      if (parts.length != 3) {
        throw new IllegalArgumentException(text);
      }
      DType dtype =
          new DType(
              new TypeCode(Integer.parseInt(parts[0])),
              Integer.parseInt(parts[1]),
              Integer.parseInt(parts[2]));
      requireStorage(element, dtype.isWholeBytes() && dtype.itemSize() == byteWidth);
      return dtype;
    } catch (IllegalArgumentException e) {
      throw new InvalidStructException(
          "Invalid metadata '"
              + text
              + "' of extension "
              + DTYPE_EXTENSION
              + " in "
              + element.label()
              + ": expected code,bits,lanes");
    }
  }

  private static void requireStorage(Element element, boolean fits) {
    if (!fits) {
      throw new InvalidStructException(
          "Invalid storage "
              + element.type()
              + " of extension "
              + element.extension()
              + " in "
              + element.label());
    }
  }

  /** The Arrow type that holds elements of {@code dtype} without copy. */
  static ArrowType arrowType(DType dtype) {
    if (dtype.equals(DType.BOOL)) {
      return new ArrowType.Int(8, true);
    }
    if (dtype.isInteger()) {
      return new ArrowType.Int(dtype.bits(), dtype.code().equals(TypeCode.INT));
    }
    if (dtype.equals(DType.FLOAT16)) {
      return new ArrowType.FloatingPoint(FloatingPointPrecision.HALF);
    }
    if (dtype.isJavaFloat()) {
      return new ArrowType.FloatingPoint(
          dtype.bits() == 32 ? FloatingPointPrecision.SINGLE : FloatingPointPrecision.DOUBLE);
    }
    if (!dtype.isWholeBytes()) {
      throw new UnsupportedTypeException(
          "Cannot hold " + dtype + " in an Arrow vector: its elements do not take whole bytes");
    }
    return new ArrowType.FixedSizeBinary(dtype.itemSize());
  }

  /** Field metadata that keeps {@code dtype} exact; empty where the Arrow type alone does. */
  static Map<String, String> metadata(DType dtype) {
    if (dtype.equals(DType.BOOL)) {
      return Map.of(ArrowNode.EXTENSION_NAME, BOOL8, ArrowNode.EXTENSION_METADATA, "");
    }
    if (arrowType(dtype) instanceof ArrowType.FixedSizeBinary) {
      String text = dtype.code().code() + "," + dtype.bits() + "," + dtype.lanes();
      return Map.of(ArrowNode.EXTENSION_NAME, DTYPE_EXTENSION, ArrowNode.EXTENSION_METADATA, text);
    }
    return Map.of();
  }
}
