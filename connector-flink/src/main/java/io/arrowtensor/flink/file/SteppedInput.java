package io.arrowtensor.flink.file;

import java.io.IOException;
import org.apache.flink.core.fs.FSDataInputStream;

/**
 * Reads a file to the heap in steps. A local file of Java allocates as much native memory as it is
 * asked to read and copies from there: a step of that stays in the processor's cache, all of a row
 * group does not. Owns the stream.
 */
final class SteppedInput extends FSDataInputStream {
  private static final int STEP = 1 << 16;

  private final FSDataInputStream stream;

  SteppedInput(FSDataInputStream stream) {
    this.stream = stream;
  }

  @Override
  public int read(byte[] target, int start, int bytes) throws IOException {
    return stream.read(target, start, Math.min(bytes, STEP));
  }

  @Override
  public int read() throws IOException {
    return stream.read();
  }

  @Override
  public void seek(long position) throws IOException {
    stream.seek(position);
  }

  @Override
  public long getPos() throws IOException {
    return stream.getPos();
  }

  @Override
  public long skip(long bytes) throws IOException {
    return stream.skip(bytes);
  }

  @Override
  public int available() throws IOException {
    return stream.available();
  }

  @Override
  public void close() throws IOException {
    stream.close();
  }
}
