package io.arrowtensor.flink.file;

import io.arrowtensor.InvalidStructException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * Bytes of a page. They lie in an array that has others besides, so whoever reads them keeps within
 * the bounds.
 */
final class Span {
  private static final VarHandle INTS =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

  private final byte[] array;
  private final int from;
  private final int to;

  /**
   * @param array borrowed
   * @param from index of the first byte
   * @param to index behind the last byte
   */
  Span(byte[] array, int from, int to) {
    this.array = array;
    this.from = from;
    this.to = to;
  }

  /** The array itself. */
  byte[] array() {
    return array;
  }

  /** Index of the first byte. */
  int from() {
    return from;
  }

  /** Index behind the last byte. */
  int to() {
    return to;
  }

  int length() {
    return to - from;
  }

  /** The first {@code bytes}. */
  Span first(long bytes) {
    requireLength(bytes);
    return new Span(array, from, from + (int) bytes);
  }

  /** What is behind the first {@code bytes}. */
  Span behind(int bytes) {
    requireLength(bytes);
    return new Span(array, from + bytes, to);
  }

  /** The four bytes at index {@code at} of the array, little-endian. */
  int intAt(int at) {
    if (at < from || at > to - Integer.BYTES) {
      throw new InvalidStructException("4 bytes are missing behind " + length() + " of a page");
    }
    return (int) INTS.get(array, at);
  }

  /** Refuses lengths that a corrupt file states. */
  void requireLength(long bytes) {
    if (bytes < 0 || bytes > length()) {
      throw new InvalidStructException(
          bytes + " bytes are expected where a page has " + length() + " left");
    }
  }
}
