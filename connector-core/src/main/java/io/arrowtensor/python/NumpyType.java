package io.arrowtensor.python;

import io.arrowtensor.DType;
import io.arrowtensor.Storage;
import io.arrowtensor.UnsupportedTypeException;
import java.nio.ByteOrder;

/**
 * The element types that Python's protocols have names for, once for all of them: NumPy's kind and
 * size (in a {@code typestr} and in {@code PyArrayInterface}) and the {@code struct} format of PEP
 * 3118.
 */
@SuppressWarnings("ImmutableEnumChecker") // a DType is a record of numbers
enum NumpyType {
  BOOL(DType.BOOL, 'b', "?"),
  INT8(DType.INT8, 'i', "b"),
  INT16(DType.INT16, 'i', "h"),
  INT32(DType.INT32, 'i', "i"),
  INT64(DType.INT64, 'i', "q"),
  UINT8(DType.UINT8, 'u', "B"),
  UINT16(DType.UINT16, 'u', "H"),
  UINT32(DType.UINT32, 'u', "I"),
  UINT64(DType.UINT64, 'u', "Q"),
  FLOAT16(DType.FLOAT16, 'f', "e"),
  FLOAT32(DType.FLOAT32, 'f', "f"),
  FLOAT64(DType.FLOAT64, 'f', "d"),
  COMPLEX64(DType.COMPLEX64, 'c', "Zf"),
  COMPLEX128(DType.COMPLEX128, 'c', "Zd");

  private static final NumpyType[] ALL = values();
  private static final boolean LITTLE = ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN;

  /** The mark of native byte order. */
  static final char NATIVE = LITTLE ? '<' : '>';

  /** The mark of the byte order that is refused. */
  static final char SWAPPED = LITTLE ? '>' : '<';

  final DType dtype;
  final char kind;
  final String format;

  NumpyType(DType dtype, char kind, String format) {
    this.dtype = dtype;
    this.kind = kind;
    this.format = format;
  }

  /** The type's name in all protocols; {@code protocol} completes "Cannot describe ... by". */
  static NumpyType of(DType dtype, String protocol) {
    for (NumpyType type : ALL) {
      if (type.dtype.equals(dtype)) {
        return type;
      }
    }
    throw new UnsupportedTypeException(
        "Cannot describe elements of "
            + dtype
            + " by "
            + protocol
            + ": NumPy has no such type; hand them over as DLPack, or as integers of that width");
  }

  /**
   * The type of {@code size} bytes that {@code kind} names.
   *
   * @param text how the protocol wrote it, for errors
   * @throws UnsupportedTypeException naming what tensors do not have
   */
  static DType dtype(char kind, int size, Storage storage, String text) {
    for (NumpyType type : ALL) {
      if (type.kind == kind && type.dtype.itemSize() == size) {
        return type.dtype;
      }
    }
    boolean time = (kind == 'M' || kind == 'm') && size == 8;
    if (time && storage != Storage.REFUSE) {
      return DType.INT64;
    }
    throw new UnsupportedTypeException(
        "Cannot read elements of type '"
            + text
            + "': they are "
            + plural(kind)
            + "; "
            + (time
                ? "ask for their integers by Options.withStorage(Storage.AS_INTEGERS)"
                : "convert them to bool, integers, floats of up to 64 bits or complex numbers of"
                    + " up to 128"));
  }

  private static String plural(char kind) {
    return switch (kind) {
      case 't' -> "bits, which only a mask may have";
      case 'M' -> "dates";
      case 'm' -> "time differences";
      case 'O' -> "Python objects";
      case 'S', 'a' -> "byte strings";
      case 'U' -> "Unicode strings";
      case 'V' -> "records or raw bytes";
      default -> "of a kind or size that this library does not know";
    };
  }

  /** {@code <f4}, {@code |b1}, ... */
  String typestr() {
    return (dtype.itemSize() == 1 ? '|' : NATIVE) + "" + kind + dtype.itemSize();
  }

  /** Bytes to which C aligns an element. */
  int alignment() {
    return kind == 'c' ? dtype.itemSize() / 2 : dtype.itemSize();
  }
}
