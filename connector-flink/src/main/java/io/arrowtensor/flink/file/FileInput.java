package io.arrowtensor.flink.file;

import io.arrowtensor.InvalidStructException;
import io.arrowtensor.internal.RawMemory;
import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.flink.core.fs.ByteBufferReadable;
import org.apache.flink.core.fs.FSDataInputStream;
import org.apache.flink.core.fs.FileSystem;
import org.apache.flink.core.fs.Path;

/**
 * One open file, read at positions. Where the file system can, bytes go to native memory without
 * one more copy. One thread.
 */
final class FileInput implements Closeable {
  private static final int CHUNK = 1 << 16;
  private static final int LARGEST = 1 << 30;

  private final Path path;
  private final FSDataInputStream stream;
  private final long length;
  private byte[] chunk = {};

  private FileInput(Path path, FSDataInputStream stream, long length) {
    this.path = path;
    this.stream = stream;
    this.length = length;
  }

  static FileInput open(Path path) throws IOException {
    FileSystem files = path.getFileSystem();
    long length = files.getFileStatus(path).getLen(); // first: when this fails, nothing is open
    return new FileInput(path, files.open(path), length);
  }

  long length() {
    return length;
  }

  Path path() {
    return path;
  }

  /** Reads {@code bytes} to the heap, in little-endian order. */
  ByteBuffer read(long position, int bytes) throws IOException {
    requireInside(position, bytes);
    byte[] read = new byte[bytes];
    stream.seek(position);
    readFully(read, bytes);
    return ByteBuffer.wrap(read).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Reads {@code bytes} to {@code offset} of {@code target}, which has room. */
  void read(long position, ArrowBuf target, long offset, long bytes) throws IOException {
    requireInside(position, bytes);
    stream.seek(position);
    for (long done = 0; done < bytes; ) {
      long left = bytes - done;
      if (stream instanceof ByteBufferReadable direct) {
        ByteBuffer part = target.nioBuffer(offset + done, (int) Math.min(left, LARGEST));
        int read = direct.read(part);
        requireRead(read);
        done += read;
      } else {
        chunk = chunk.length == 0 ? new byte[CHUNK] : chunk;
        int read = (int) Math.min(left, CHUNK);
        readFully(chunk, read);
        RawMemory.copyFrom(chunk, 0, target.memoryAddress() + offset + done, read);
        done += read;
      }
    }
  }

  private void readFully(byte[] target, int bytes) throws IOException {
    for (int done = 0; done < bytes; ) {
      int read = stream.read(target, done, bytes - done);
      requireRead(read);
      done += read;
    }
  }

  private void requireRead(int bytes) throws IOException {
    if (bytes < 0) {
      throw new EOFException(
          "Cannot read " + path + ": it ends before its " + length + " bytes; was it overwritten?");
    }
  }

  /** Refuses bytes that a corrupt file names outside of itself. */
  private void requireInside(long position, long bytes) {
    if (position < 0 || bytes < 0 || position > length - bytes) {
      throw invalid(
          "it points at " + bytes + " bytes from " + position + ", but has " + length + " bytes");
    }
  }

  /** The error of a file that is not what it should be. */
  InvalidStructException invalid(String why) {
    return FileFailure.invalid(path, why);
  }

  /** {@code failure}, met while this file was read, with the file's name. */
  RuntimeException failed(RuntimeException failure) {
    return FileFailure.of(path, failure);
  }

  @Override
  public void close() throws IOException {
    stream.close();
  }
}
