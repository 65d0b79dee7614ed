package io.arrowtensor.flink.file;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import org.apache.flink.core.fs.FSDataInputStream;
import org.jspecify.annotations.Nullable;

/**
 * The bytes of one column in one row group, read in steps to the heap: an array that is used again,
 * and which small steps leave in the processor's cache. As a stream it gives page headers. One
 * thread.
 */
final class PageInput extends InputStream {
  /** An array of Java is no longer. */
  private static final int LARGEST = Integer.MAX_VALUE - 8;

  private final FSDataInputStream file;
  private final int step;
  private final int request;
  private byte[] buffer = {};
  private int from;
  private int to;
  private long next;
  private long end;
  private int behind;

  /**
   * @param file borrowed, and read by other columns too
   * @param step bytes to read at once, if there are as many
   * @param request how many of them to ask the file for in one call
   */
  PageInput(FSDataInputStream file, int step, int request) {
    this.file = file;
    this.step = step;
    this.request = request;
  }

  /**
   * Reads the first step of {@code bytes} from {@code start}.
   *
   * @param behind how many more may follow, if {@code bytes} turn out not to be all
   */
  void open(long start, long bytes, int behind) throws IOException {
    this.next = start;
    this.end = start + bytes;
    this.behind = behind;
    this.from = 0;
    this.to = 0;
    int size = (int) Math.min(step, bytes);
    buffer = buffer.length < size ? new byte[size] : buffer;
    has((int) Math.min(1, bytes));
  }

  /** The next {@code bytes}, valid until more are asked for; null when there are not as many. */
  @Nullable Span take(int bytes) throws IOException {
    if (bytes < 0 || !has(bytes)) {
      return null;
    }
    from += bytes;
    return new Span(buffer, from - bytes, from);
  }

  /** Whether not all is taken. */
  boolean hasMore() {
    return from < to || next < end;
  }

  /** Whether {@code bytes} follow; they lie in the buffer then. */
  private boolean has(int bytes) throws IOException {
    int there = to - from;
    if (there >= bytes) {
      return true;
    }
    if (bytes - there > end + behind - next) {
      return false;
    }
    long room = Math.max(bytes - there, Math.min(step, end - next));
    if (there == 0 || room > buffer.length - to) {
      move(bytes, there);
    }
    long wanted = Math.min(Math.min(step, buffer.length - to), end - next);
    fill((int) Math.max(bytes - there, wanted));
    return true;
  }

  /** Makes room for {@code bytes} in all, of which {@code there} are read. */
  private void move(int bytes, int there) {
    byte[] target = buffer;
    if (bytes > buffer.length) {
      long all = Math.max(bytes, there + end - next);
      target = new byte[(int) Math.min(LARGEST, Math.min(all, (long) bytes + step))];
    }
    System.arraycopy(buffer, from, target, 0, there);
    buffer = target;
    from = 0;
    to = there;
  }

  private void fill(int bytes) throws IOException {
    file.seek(next);
    for (int done = 0; done < bytes; ) {
      int read = file.read(buffer, to, Math.min(request, bytes - done));
      if (read < 0) {
        throw new EOFException("it ends at " + next + "; was it overwritten?");
      }
      done += read;
      to += read;
      next += read;
    }
  }

  @Override
  public int read() throws IOException {
    return has(1) ? buffer[from++] & 0xff : -1;
  }

  @Override
  public int read(byte[] target, int start, int bytes) throws IOException {
    if (bytes == 0 || !has(1)) {
      return bytes == 0 ? 0 : -1;
    }
    int read = Math.min(bytes, to - from);
    System.arraycopy(buffer, from, target, start, read);
    from += read;
    return read;
  }
}
