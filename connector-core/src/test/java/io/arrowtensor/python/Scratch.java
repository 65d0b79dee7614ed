package io.arrowtensor.python;

import io.arrowtensor.internal.Native;
import io.arrowtensor.internal.NativeLibrary;
import io.arrowtensor.testing.DlpackStruct;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Native memory of a test, all of it freed at once. */
final class Scratch implements AutoCloseable {
  private final List<Long> blocks = new ArrayList<>();

  Scratch() {
    NativeLibrary.require();
  }

  /** Zeroed bytes. */
  long allocate(int bytes) {
    long address = Native.allocate(Math.max(1, bytes), 64);
    blocks.add(address);
    ByteBuffer zeros = DlpackStruct.buffer(address, bytes);
    while (zeros.hasRemaining()) {
      zeros.put((byte) 0);
    }
    return address;
  }

  long bytes(byte... values) {
    long address = allocate(values.length);
    DlpackStruct.buffer(address, values.length).put(values);
    return address;
  }

  /** The values one after the other; 0 for null. */
  long longs(long[] values) {
    if (values == null) {
      return 0;
    }
    long address = allocate(8 * values.length);
    DlpackStruct.buffer(address, 8 * values.length).asLongBuffer().put(values);
    return address;
  }

  /** The text with a 0 behind it; 0 for null. */
  long text(String text) {
    return text == null ? 0 : bytes((text + "\0").getBytes(StandardCharsets.UTF_8));
  }

  /** A {@code PyArrayInterface}, by offsets of the test's own. */
  long arrayStruct(char kind, int itemSize, int flags, long[] shape, long[] strides, long data) {
    long struct = allocate(56);
    DlpackStruct.buffer(struct, 56)
        .putInt(0, 2)
        .putInt(4, shape.length)
        .put(8, (byte) kind)
        .putInt(12, itemSize)
        .putInt(16, flags)
        .putLong(24, longs(shape))
        .putLong(32, longs(strides))
        .putLong(40, data);
    return struct;
  }

  /** A {@code Py_buffer}, by offsets of the test's own; null for fields that are null. */
  long view(
      long buf, long len, int itemSize, String format, int ndim, long[] shape, long[] strides) {
    long view = allocate(80);
    DlpackStruct.buffer(view, 80)
        .putLong(0, buf)
        .putLong(16, len)
        .putLong(24, itemSize)
        .putInt(36, ndim)
        .putLong(40, text(format))
        .putLong(48, longs(shape))
        .putLong(56, longs(strides));
    return view;
  }

  @Override
  public void close() {
    blocks.forEach(Native::free);
  }
}
