package io.arrowtensor.dlpack;

import io.arrowtensor.internal.Native;
import io.arrowtensor.internal.NativeLibrary;
import io.arrowtensor.testing.CountingDeleter;
import io.arrowtensor.testing.DlpackStruct;
import java.nio.ByteBuffer;

/**
 * A DLPack struct as a foreign producer makes it, over {@value #ELEMENTS} int32 elements that hold
 * their own index. Its deleter only counts: the memory is freed by {@link #close()}.
 */
final class ForeignTensor implements AutoCloseable {
  static final int ELEMENTS = 1000;
  private static final int STRUCT = 96;
  private static final int LONGS = 65;

  private final boolean versioned;
  private final long block;
  private final long data;
  private final CountingDeleter deleter;
  final DlpackStruct struct;

  /** One dimension of all elements, no strides. */
  ForeignTensor(boolean versioned) {
    NativeLibrary.require();
    this.versioned = versioned;
    this.deleter = new CountingDeleter();
    this.block = Native.allocate(STRUCT + 16L * LONGS, 64);
    this.data = Native.allocate(4L * ELEMENTS, 256);
    ByteBuffer elements = DlpackStruct.buffer(data, 4 * ELEMENTS);
    for (int i = 0; i < ELEMENTS; i++) {
      elements.putInt(4 * i, i);
    }
    ByteBuffer zeros = DlpackStruct.buffer(block, STRUCT + 16 * LONGS);
    while (zeros.hasRemaining()) {
      zeros.put((byte) 0);
    }
    this.struct = DlpackStruct.at(block, versioned);
    struct.putDeleter(deleter.address(), 0).putDevice(1, 0).putDtype(0, 32, 1).putData(data, 0);
    if (versioned) {
      struct.putVersion(1, 3);
    }
    shape(ELEMENTS);
  }

  ForeignTensor shape(long... shape) {
    DlpackStruct.buffer(block + STRUCT, 8 * LONGS).asLongBuffer().put(shape);
    struct.putShape(shape.length, shape.length == 0 ? 0 : block + STRUCT, 0);
    return this;
  }

  ForeignTensor strides(long... strides) {
    long address = block + STRUCT + 8L * LONGS;
    DlpackStruct.buffer(address, 8 * LONGS).asLongBuffer().put(strides);
    struct.putShape(struct.ndim(), struct.ndim() == 0 ? 0 : block + STRUCT, address);
    return this;
  }

  long address() {
    return block;
  }

  long data() {
    return data;
  }

  byte[] bytes() {
    byte[] bytes = new byte[STRUCT];
    DlpackStruct.buffer(block, STRUCT).get(bytes);
    return bytes;
  }

  io.arrowtensor.ArraySource take() {
    return versioned ? Dlpack.take(block) : Dlpack.takeUnversioned(block);
  }

  CountingDeleter deleter() {
    return deleter;
  }

  @Override
  public void close() {
    Native.free(block);
    Native.free(data);
  }
}
