package io.arrowtensor.flink.file;

import io.arrowtensor.InvalidStructException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Small integers as runs of one value and runs of packed bits: <a
 * href="https://parquet.apache.org/docs/file-format/data-pages/encodings/#RLE">Parquet's hybrid
 * encoding</a> of levels and of indices.
 */
final class Runs {
  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  /** Packed values come in eights. */
  private static final int GROUP = 8;

  /** Up to this width four values lie in the eight bytes from the one that the first begins in. */
  private static final int NARROW = 15;

  private final byte[] bytes;
  private final int end;
  private final int width;
  private final int mask;
  private int at;
  private boolean packed;
  private int value;

  /** Values of this run that are not read. */
  private int left;

  /** A group of which some are read: the last {@code waiting}. */
  private final int[] group = new int[GROUP];

  private int waiting;

  /** The end of the bytes, where eight cannot be read at once. */
  private final byte[] tail = new byte[Integer.SIZE + Long.BYTES];

  /**
   * @param width bits of a value
   */
  Runs(Span span, int width) {
    if (width < 0 || width > Integer.SIZE) {
      throw new InvalidStructException("values of " + width + " bits are no integers");
    }
    this.bytes = span.array();
    this.at = span.from();
    this.end = span.to();
    this.width = width;
    this.mask = (int) ((1L << width) - 1);
    this.left = width == 0 ? Integer.MAX_VALUE : 0;
  }

  /** Those whose first byte tells their width; no byte is there where all values are null. */
  static Runs ofIndices(Span span) {
    if (span.length() == 0) {
      return new Runs(span, 1);
    }
    Span packed = span.behind(1);
    return new Runs(packed, packed.array()[span.from()] & 0xff);
  }

  /** Skips {@code count} values if this run has them and all are {@code wanted}. */
  boolean skip(int wanted, int count) {
    if (left == 0) {
      start();
    }
    boolean skipped = !packed && value == wanted && left >= count;
    left -= skipped ? count : 0;
    return skipped;
  }

  /** Reads the next {@code count} values to the start of {@code target}. */
  void read(int[] target, int count) {
    for (int done = 0; done < count; ) {
      if (left == 0) {
        start();
      }
      int next = Math.min(left, count - done);
      if (packed) {
        unpack(target, done, next);
      } else {
        Arrays.fill(target, done, done + next, value);
      }
      left -= next;
      done += next;
    }
  }

  /** The next run that is not empty. */
  private void start() {
    while (left == 0) {
      int header = header();
      packed = (header & 1) != 0;
      left = header >>> 1;
      if (packed) {
        left = packed(left);
        waiting = 0;
      } else {
        value = repeated();
      }
    }
  }

  /** The values of {@code groups}; some writers leave out the bytes behind a page's last value. */
  private int packed(int groups) {
    long there = (end - at) * (long) Byte.SIZE / width;
    if (groups > 0 && there == 0) {
      require(width);
    }
    return (int) Math.min(Integer.MAX_VALUE, Math.min((long) groups * GROUP, there));
  }

  private int header() {
    int header = 0;
    for (int shift = 0; shift < Integer.SIZE; shift += 7) {
      require(1);
      byte next = bytes[at++];
      header |= (next & 0x7f) << shift;
      if (next >= 0) {
        return header;
      }
    }
    throw new InvalidStructException("a run's length has more than 32 bits");
  }

  private int repeated() {
    int size = (width + Byte.SIZE - 1) / Byte.SIZE;
    require(size);
    int repeated = 0;
    for (int i = 0; i < size; i++) {
      repeated |= (bytes[at++] & 0xff) << (i * Byte.SIZE);
    }
    if ((repeated & mask) != repeated) {
      throw new InvalidStructException(
          "a run of " + repeated + " has more than " + width + " bits");
    }
    return repeated;
  }

  private void require(long size) {
    int there = Math.max(0, end - at);
    if (size > there) {
      throw new InvalidStructException(
          "a run needs " + size + " bytes where a page has " + there + " left");
    }
  }

  private void unpack(int[] target, int start, int count) {
    int row = start;
    int last = start + count;
    while (waiting > 0 && row < last) {
      target[row++] = group[GROUP - waiting--];
    }
    int whole = (last - row) / GROUP;
    if (whole > 0) {
      groups(target, row, whole);
      row += whole * GROUP;
    }
    if (row < last) {
      groups(group, 0, 1);
      waiting = GROUP - (last - row);
      System.arraycopy(group, 0, target, row, last - row);
    }
  }

  /** Unpacks {@code count} groups; those that end too near to the end of the array by a copy. */
  private void groups(int[] target, int start, int count) {
    int safe = Math.max(0, Math.min(count, (bytes.length - at - Long.BYTES) / width));
    groups(bytes, at, target, start, safe);
    for (int i = safe; i < count; i++) {
      int from = at + i * width;
      System.arraycopy(bytes, from, tail, 0, Math.min(width, bytes.length - from));
      groups(tail, 0, target, start + i * GROUP, 1);
    }
    at += count * width;
  }

  private void groups(byte[] from, int first, int[] target, int start, int count) {
    int at = first;
    for (int i = start; i < start + count * GROUP; i += GROUP) {
      if (width <= NARROW) {
        four(target, i, (long) LONGS.get(from, at));
        four(target, i + 4, (long) LONGS.get(from, at + width / 2) >>> (width % 2 * 4));
      } else {
        for (int k = 0; k < GROUP; k++) {
          int bit = k * width;
          target[i + k] =
              (int) ((long) LONGS.get(from, at + bit / Byte.SIZE) >>> (bit % Byte.SIZE)) & mask;
        }
      }
      at += width;
    }
  }

  private void four(int[] target, int i, long packed) {
    target[i] = (int) packed & mask;
    target[i + 1] = (int) (packed >>> width) & mask;
    target[i + 2] = (int) (packed >>> (2 * width)) & mask;
    target[i + 3] = (int) (packed >>> (3 * width)) & mask;
  }
}
