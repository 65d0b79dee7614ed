package io.arrowtensor.python;

import io.arrowtensor.DType;
import io.arrowtensor.InvalidStructException;
import io.arrowtensor.Storage;
import io.arrowtensor.UnsupportedTypeException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An element type as the array interface writes it: byte order, kind, size in bytes, and for dates
 * a unit.
 *
 * @param text as it was read
 * @param order {@code <}, {@code >} or {@code |}
 * @param kind NumPy's letter
 * @param size bytes of one element; of kind {@code t} bits; 0 where none is written, as for objects
 */
record Typestr(String text, char order, char kind, int size) {
  private static final Pattern FORM =
      Pattern.compile("([<>|])([A-Za-z])([0-9]{0,9})(\\[[0-9A-Za-z]{1,20}])?");

  /** A bitmap of one bit an element, least significant first. */
  static final String BITS = "|t1";

  static Typestr parse(String text) {
    Matcher matcher = FORM.matcher(text);
    if (!matcher.matches()) {
      throw new InvalidStructException(
          "Invalid typestr '"
              + (text.length() > 40 ? text.substring(0, 40) + "..." : text)
              + "': expected byte order, kind and bytes, like '<f4'");
    }
    String size = "0" + matcher.group(3);
    return new Typestr(text, text.charAt(0), text.charAt(1), Integer.parseInt(size));
  }

  /** Whether an element is one bit, as in an Arrow validity bitmap. */
  boolean isBits() {
    return kind == 't' && size == 1;
  }

  /** The element type; refuses by name what tensors do not have. */
  DType dtype(Storage storage) {
    DType dtype = NumpyType.dtype(kind, size, storage, text);
    if (order == NumpyType.SWAPPED && size > 1) {
      throw new UnsupportedTypeException(
          "Cannot read elements of type '"
              + text
              + "': their bytes are not in this machine's order; convert them with"
              + " a.astype(a.dtype.newbyteorder('='))");
    }
    if (order == '|' && size > 1) {
      throw new InvalidStructException(
          "Invalid typestr '"
              + text
              + "': elements of more than one byte need a byte order, like '"
              + NumpyType.NATIVE
              + kind
              + size
              + "'");
    }
    return dtype;
  }
}
