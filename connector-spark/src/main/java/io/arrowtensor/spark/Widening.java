package io.arrowtensor.spark;

import io.arrowtensor.DType;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.internal.RawMemory;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;

/** Unsigned integers as the next wider signed ones: Spark has no unsigned types. */
final class Widening {
  private Widening() {}

  static boolean needed(DType dtype) {
    return dtype.equals(DType.UINT8) || dtype.equals(DType.UINT16) || dtype.equals(DType.UINT32);
  }

  /** A copy that the caller closes. */
  static ArrowBuf widen(DeviceArray values, BufferAllocator allocator) {
    long width = values.dtype().itemSize();
    long count = values.size();
    long from = values.address();
    ArrowBuf wide = allocator.buffer(2 * width * count);
    for (long i = 0; i < count; i++) {
      switch (values.dtype().itemSize()) {
        case 1 -> wide.setShort(2 * i, RawMemory.byteAt(from + i) & 0xff);
        case 2 -> wide.setInt(4 * i, RawMemory.shortAt(from + 2 * i) & 0xffff);
        default -> wide.setLong(8 * i, RawMemory.intAt(from + 4 * i) & 0xffffffffL);
      }
    }
    return wide.writerIndex(2 * width * count);
  }
}
