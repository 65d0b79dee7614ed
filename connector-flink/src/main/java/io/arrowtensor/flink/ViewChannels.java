package io.arrowtensor.flink;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;
import org.apache.arrow.vector.ipc.message.MessageSerializer;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/** Flink's byte streams as channels, which do not close them. One thread each. */
final class ViewChannels {
  /** Flink moves bytes through arrays of the heap. */
  private static final int CHUNK = 16 * 1024;

  private ViewChannels() {}

  /** Writes all that it is given. */
  static final class Out implements WritableByteChannel {
    private final DataOutputView target;
    private final byte[] chunk = new byte[CHUNK];

    Out(DataOutputView target) {
      this.target = target;
    }

    @Override
    public int write(ByteBuffer source) throws IOException {
      int bytes = source.remaining();
      while (source.hasRemaining()) {
        int length = Math.min(source.remaining(), CHUNK);
        source.get(chunk, 0, length);
        target.write(chunk, 0, length);
      }
      return bytes;
    }

    /** Writes the next {@code bytes} of {@code source}. */
    void copy(DataInputView source, long bytes) throws IOException {
      long left = bytes;
      while (left > 0) {
        int length = (int) Math.min(left, CHUNK);
        source.readFully(chunk, 0, length);
        target.write(chunk, 0, length);
        left -= length;
      }
    }

    @Override
    public boolean isOpen() {
      return true;
    }

    @Override
    public void close() {}
  }

  /** Reads all that it is asked for. */
  static final class In implements ReadableByteChannel {
    private final DataInputView source;
    private ByteBuffer ahead = ByteBuffer.allocate(0);
    private final byte[] chunk = new byte[CHUNK];

    In(DataInputView source) {
      this.source = source;
    }

    /** The start of an IPC message of {@code length} bytes comes next, again. */
    void unread(int length) {
      ahead =
          ByteBuffer.allocate(8)
              .order(ByteOrder.LITTLE_ENDIAN)
              .putInt(MessageSerializer.IPC_CONTINUATION_TOKEN)
              .putInt(length)
              .flip();
    }

    /** Throws {@link java.io.EOFException} where there is less. */
    @Override
    public int read(ByteBuffer target) throws IOException {
      int bytes = target.remaining();
      while (ahead.hasRemaining() && target.hasRemaining()) {
        target.put(ahead.get());
      }
      while (target.hasRemaining()) {
        int length = Math.min(target.remaining(), CHUNK);
        source.readFully(chunk, 0, length);
        target.put(chunk, 0, length);
      }
      return bytes;
    }

    @Override
    public boolean isOpen() {
      return true;
    }

    @Override
    public void close() {}
  }
}
