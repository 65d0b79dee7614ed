package io.arrowtensor.testing;

import java.util.Arrays;
import java.util.function.Consumer;

/** Plain arithmetic on shapes and strides, to check the library's against. */
public final class Elements {
  private Elements() {}

  /** Calls {@code each} with every index of {@code shape}, last dimension fastest. */
  public static void forEach(long[] shape, Consumer<long[]> each) {
    long size = Arrays.stream(shape).reduce(1, (a, b) -> a * b);
    for (long i = 0; i < size; i++) {
      long[] index = new long[shape.length];
      long rest = i;
      for (int d = shape.length - 1; d >= 0; d--) {
        index[d] = rest % shape[d];
        rest /= shape[d];
      }
      each.accept(index);
    }
  }

  /** Elements from the first one to the one at {@code index}. */
  public static long offset(long[] index, long[] strides) {
    long offset = 0;
    for (int d = 0; d < index.length; d++) {
      offset += index[d] * strides[d];
    }
    return offset;
  }

  /** {@code width} bytes at an address. */
  public static byte[] read(long address, int width) {
    byte[] bytes = new byte[width];
    DlpackStruct.buffer(address, width).get(bytes);
    return bytes;
  }
}
