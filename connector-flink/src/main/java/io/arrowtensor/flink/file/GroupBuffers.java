package io.arrowtensor.flink.file;

import java.io.Serializable;
import java.lang.ref.SoftReference;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import org.apache.parquet.bytes.ByteBufferAllocator;
import org.jspecify.annotations.Nullable;

/**
 * The Java heap that the row groups of one subtask are read to, one after the other: large arrays
 * that are used again, as Java clears each new one. Those that wait go where the heap is short.
 */
final class GroupBuffers implements ByteBufferAllocator, Serializable {
  private static final long serialVersionUID = 1;

  /**
   * Bytes of the buffers that are kept; Parquet reads a row group to many and a smaller one. With
   * its header an array fills a region of G1, and does not begin another.
   */
  static final int SIZE = (1 << 23) - 64;

  private transient @Nullable Deque<SoftReference<ByteBuffer>> free;

  private Deque<SoftReference<ByteBuffer>> free() {
    Deque<SoftReference<ByteBuffer>> kept = free;
    if (kept == null) {
      kept = new ArrayDeque<>();
      free = kept;
    }
    return kept;
  }

  @Override
  public synchronized ByteBuffer allocate(int bytes) {
    while (bytes == SIZE && !free().isEmpty()) {
      ByteBuffer buffer = free().removeFirst().get();
      if (buffer != null) {
        return buffer.clear();
      }
    }
    return ByteBuffer.allocate(bytes);
  }

  /** Nobody reads {@code buffer} any more. */
  @Override
  public synchronized void release(ByteBuffer buffer) {
    if (buffer.capacity() == SIZE) {
      free().addFirst(new SoftReference<>(buffer));
    }
  }

  /** Buffers that wait. */
  synchronized int waiting() {
    return free().size();
  }

  @Override
  public boolean isDirect() {
    return false;
  }
}
