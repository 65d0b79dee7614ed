package io.arrowtensor.internal;

import io.arrowtensor.DType;
import io.arrowtensor.InvalidStructException;
import java.util.Arrays;

/**
 * Arithmetic on shapes and strides; strides count elements. Every product is checked for overflow.
 */
public final class Shapes {
  /** More dimensions than any known consumer takes (NumPy 64). */
  public static final int MAX_NDIM = 64;

  private static final long[] SCALAR = {};
  private static final long[] ONE = {1};

  private Shapes() {}

  /**
   * Number of elements.
   *
   * @throws InvalidStructException for a negative dimension or a product that overflows
   */
  public static long size(long[] shape) {
    if (shape.length > MAX_NDIM) {
      throw new InvalidStructException(
          "Invalid ndim " + shape.length + ": at most " + MAX_NDIM + " dimensions are supported");
    }
    long size = 1;
    boolean overflow = false;
    boolean empty = false;
    for (long dim : shape) {
      if (dim < 0) {
        throw new InvalidStructException(
            "Invalid shape " + Arrays.toString(shape) + ": dimensions must not be negative");
      }
      empty |= dim == 0;
      long product = size * dim;
      if (product < 0 || Math.multiplyHigh(size, dim) != 0) {
        overflow = true;
        product = Long.MAX_VALUE;
      }
      size = product;
    }
    if (overflow && !empty) {
      throw new InvalidStructException(
          "Invalid shape " + Arrays.toString(shape) + ": the number of elements overflows 64 bits");
    }
    return size;
  }

  /**
   * Bytes of all elements, contiguous; elements that do not take whole bytes lie packed. Throws as
   * {@link #size}.
   */
  public static long bytes(long[] shape, DType dtype) {
    try {
      if (dtype.isWholeBytes()) {
        return Math.multiplyExact(size(shape), (long) dtype.itemSize());
      }
      long bits = Math.multiplyExact(size(shape), (long) dtype.bits() * dtype.lanes());
      return bits / 8 + (bits % 8 == 0 ? 0 : 1);
    } catch (ArithmeticException e) {
      throw new InvalidStructException(
          "Invalid shape "
              + Arrays.toString(shape)
              + " of "
              + dtype
              + ": the size in bytes overflows 64 bits");
    }
  }

  /**
   * Row-major strides of a contiguous array. Dimensions of size 0 count as 1, as NumPy does. Shared
   * arrays: do not write.
   */
  public static long[] rowMajor(long[] shape) {
    if (shape.length < 2) {
      return shape.length == 0 ? SCALAR : ONE;
    }
    long[] strides = new long[shape.length];
    long step = 1;
    for (int d = shape.length - 1; d >= 0; d--) {
      strides[d] = step;
      step *= Math.max(1, shape[d]);
    }
    return strides;
  }

  /**
   * Whether elements lie in row-major order without gaps; dimensions of size 1 and empty arrays do
   * not care about strides.
   */
  public static boolean isRowMajor(long[] shape, long[] strides) {
    long expected = 1;
    for (int d = shape.length - 1; d >= 0; d--) {
      if (shape[d] == 0) {
        return true;
      }
      if (shape[d] != 1 && strides[d] != expected) {
        return isEmpty(shape);
      }
      expected *= shape[d];
    }
    return true;
  }

  private static boolean isEmpty(long[] shape) {
    for (long dim : shape) {
      if (dim == 0) {
        return true;
      }
    }
    return false;
  }

  /**
   * Lowest and highest element offset, relative to the first element, that an array touches.
   *
   * @return {lowest (at most 0), highest (at least 0)}; {0, -1} for an empty array
   * @throws InvalidStructException when the arithmetic overflows or the byte distance does
   */
  public static long[] extent(long[] shape, long[] strides, DType dtype) {
    if (size(shape) == 0) {
      return new long[] {0, -1};
    }
    long low = 0;
    long high = 0;
    try {
      for (int d = 0; d < shape.length; d++) {
        long reach = Math.multiplyExact(shape[d] - 1, strides[d]);
        if (reach < 0) {
          low = Math.addExact(low, reach);
        } else {
          high = Math.addExact(high, reach);
        }
      }
      Math.multiplyExact(Math.addExact(Math.subtractExact(high, low), 1), (long) dtype.itemSize());
    } catch (ArithmeticException e) {
      throw new InvalidStructException(
          "Invalid strides "
              + Arrays.toString(strides)
              + " for shape "
              + Arrays.toString(shape)
              + ": the extent overflows 64 bits");
    }
    return new long[] {low, high};
  }
}
