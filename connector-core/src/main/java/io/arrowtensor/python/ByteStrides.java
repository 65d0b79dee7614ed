package io.arrowtensor.python;

import io.arrowtensor.InvalidStructException;
import io.arrowtensor.UnsupportedTypeException;
import io.arrowtensor.internal.Shapes;
import java.util.Arrays;

/** Strides in bytes, as Python's protocols have them, from and to strides in elements. */
final class ByteStrides {
  private ByteStrides() {}

  /**
   * Strides in elements. Dimensions of size 1, and all of an empty array, do not care.
   *
   * @throws UnsupportedTypeException for strides that fall between elements
   */
  static long[] toElements(long[] shape, long[] bytes, int itemSize) {
    boolean empty = Shapes.size(shape) == 0;
    long[] elements = new long[bytes.length];
    for (int d = 0; d < bytes.length; d++) {
      boolean matters = !empty && shape[d] != 1;
      if (matters && bytes[d] % itemSize != 0) {
        throw new UnsupportedTypeException(
            "Cannot read strides "
                + Arrays.toString(bytes)
                + " of shape "
                + Arrays.toString(shape)
                + ": stride "
                + bytes[d]
                + " is no multiple of the element's "
                + itemSize
                + " bytes; copy the array first");
      }
      elements[d] = bytes[d] / itemSize;
    }
    return elements;
  }

  /** Strides in bytes, for each dimension. */
  static long[] toBytes(long[] strides, int itemSize) {
    long[] bytes = new long[strides.length];
    for (int d = 0; d < bytes.length; d++) {
      try {
        bytes[d] = Math.multiplyExact(strides[d], (long) itemSize);
      } catch (ArithmeticException e) {
        throw new InvalidStructException(
            "Invalid strides "
                + Arrays.toString(strides)
                + ": in bytes, "
                + itemSize
                + " for each element, they overflow 64 bits");
      }
    }
    return bytes;
  }
}
