package io.arrowtensor.internal;

import io.arrowtensor.Memory;

/** Gathers a strided array into row-major order, the longest contiguous inner block at a time. */
final class StridedCopy {
  private final long[] shape;
  private final long[] byteStrides;
  private final int outer;
  private final long block;
  private long target;

  private StridedCopy(Memory memory, long target) {
    this.shape = memory.shape();
    int itemSize = memory.dtype().itemSize();
    this.byteStrides = new long[shape.length];
    for (int d = 0; d < shape.length; d++) {
      byteStrides[d] = memory.strides()[d] * itemSize;
    }
    int inner = shape.length;
    long contiguous = itemSize;
    while (inner > 0 && (shape[inner - 1] == 1 || byteStrides[inner - 1] == contiguous)) {
      inner--;
      contiguous *= shape[inner];
    }
    this.outer = inner;
    this.block = contiguous;
    this.target = target;
  }

  /**
   * Writes the elements of {@code memory}, which is not empty, to {@code target} in row-major
   * order.
   */
  static void toRowMajor(Memory memory, long target) {
    new StridedCopy(memory, target).gather(0, memory.start());
  }

  private void gather(int dimension, long source) {
    if (dimension == outer) {
      RawMemory.copy(source, target, block);
      target += block;
    } else if (dimension == outer - 1) {
      row(source, shape[dimension], byteStrides[dimension]);
    } else {
      for (long i = 0; i < shape[dimension]; i++) {
        gather(dimension + 1, source + i * byteStrides[dimension]);
      }
    }
  }

  private void row(long source, long count, long stride) {
    long from = source;
    long to = target;
    for (long i = 0; i < count; i++, from += stride, to += block) {
      switch ((int) Math.min(block, 9)) {
        case 1 -> RawMemory.putByte(to, RawMemory.byteAt(from));
        case 2 -> RawMemory.putShort(to, RawMemory.shortAt(from));
        case 4 -> RawMemory.putInt(to, RawMemory.intAt(from));
        case 8 -> RawMemory.putLong(to, RawMemory.longAt(from));
        default -> RawMemory.copy(from, to, block);
      }
    }
    target = to;
  }
}
