package io.arrowtensor;

import io.arrowtensor.internal.RawMemory;
import io.arrowtensor.internal.Shapes;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/** Direct buffers as memory. */
final class DirectBuffers {
  private DirectBuffers() {}

  static Memory view(ByteBuffer buffer, DType dtype, long... shape) {
    if (!buffer.isDirect()) {
      throw new UnsupportedTypeException(
          "Cannot share a buffer on the Java heap: it has no address; put its bytes into one of"
              + " ByteBuffer.allocateDirect, or into an array of Memory.allocate");
    }
    long bytes = Shapes.bytes(shape, dtype);
    if (buffer.remaining() != bytes) {
      throw new InvalidStructException(
          "Invalid shape "
              + Arrays.toString(shape)
              + " of "
              + dtype
              + " for a buffer with "
              + buffer.remaining()
              + " bytes between position and limit: it takes "
              + bytes);
    }
    if (dtype.itemSize() > 1 && buffer.order() != ByteOrder.nativeOrder()) {
      throw new UnsupportedTypeException(
          "Cannot share a buffer in "
              + buffer.order()
              + " order as "
              + dtype
              + ": elements lie in this machine's order; if they do, say so by"
              + " buffer.order(ByteOrder.nativeOrder())");
    }
    return Memory.borrow(RawMemory.addressOf(buffer) + buffer.position(), dtype, shape)
        .withReadOnly(buffer.isReadOnly())
        .withOwner(new Kept(buffer));
  }

  /** Refers to the buffer, whose memory the collector would free, until the last owner is gone. */
  private record Kept(ByteBuffer buffer) implements Runnable {
    @Override
    public void run() {}
  }
}
