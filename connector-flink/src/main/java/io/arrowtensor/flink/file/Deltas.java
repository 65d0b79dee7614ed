package io.arrowtensor.flink.file;

import io.arrowtensor.InvalidStructException;
import java.util.Arrays;

/**
 * Integers as packed differences from one to the next: <a
 * href="https://parquet.apache.org/docs/file-format/data-pages/encodings/#DELTAENC">Parquet's delta
 * encoding</a>.
 */
final class Deltas extends FixedValues {
  /** What is read at once at most, so that no value lies too near to the end of the array. */
  private static final int PADDING = 2 * Long.BYTES;

  private final byte[] bytes;
  private final int end;
  private final int width;
  private final int blocks;
  private final int perBlock;
  private int at;
  private int left;
  private long value;
  private boolean first = true;

  /** What all differences of the outer block are larger by. */
  private long least;

  /** Where the widths of the inner blocks are, and how many of them are read. */
  private int widths;

  private int block;

  private int bits;
  private long bit;
  private int leftInBlock;

  /**
   * @param width bytes of a value in the target, 4 or 8
   */
  Deltas(Span page, int width) {
    this.bytes = Arrays.copyOfRange(page.array(), page.from(), page.to() + PADDING);
    this.end = page.length();
    this.width = width;
    int outer = Math.toIntExact(number());
    this.blocks = Math.toIntExact(number());
    this.left = Math.toIntExact(number());
    this.value = signed();
    if (blocks < 1 || outer < 1 || outer % blocks != 0 || outer / blocks % Byte.SIZE != 0) {
      throw new InvalidStructException(outer + " differences in " + blocks + " blocks");
    }
    this.perBlock = outer / blocks;
    this.block = blocks;
  }

  private void require(long size) {
    if (size > end - at) {
      throw new InvalidStructException(
          "differences need " + size + " bytes where a page has " + (end - at) + " left");
    }
  }

  /** Seven bits a byte, the lowest first. */
  private long number() {
    long number = 0;
    for (int shift = 0; shift < Long.SIZE; shift += 7) {
      require(1);
      byte next = bytes[at++];
      number |= (next & 0x7fL) << shift;
      if (next >= 0) {
        return number;
      }
    }
    throw new InvalidStructException("a number has more than 64 bits");
  }

  /** The lowest bit is the sign. */
  private long signed() {
    long number = number();
    return (number >>> 1) ^ -(number & 1);
  }

  @Override
  void read(byte[] target, int count) {
    if (count > left) {
      throw new InvalidStructException(count + " values are expected where " + left + " are left");
    }
    left -= count;
    for (int i = 0; i < count; i++) {
      next();
      if (width == Long.BYTES) {
        LONGS.set(target, i * Long.BYTES, value);
      } else {
        INTS.set(target, i * Integer.BYTES, (int) value);
      }
    }
  }

  /** Makes the next value the one that there is. */
  private void next() {
    if (first) {
      first = false;
      return;
    }
    if (leftInBlock == 0) {
      nextBlock();
    }
    value += least + packed();
    bit += bits;
    leftInBlock--;
  }

  private void nextBlock() {
    if (block == blocks) {
      least = signed();
      require(blocks);
      widths = at;
      at += blocks;
      block = 0;
    }
    bits = bytes[widths + block++];
    if (bits < 0 || bits > Long.SIZE) {
      throw new InvalidStructException("differences of " + bits + " bits are no integers");
    }
    long size = (long) perBlock / Byte.SIZE * bits;
    require(size);
    bit = (long) at * Byte.SIZE;
    at += (int) size;
    leftInBlock = perBlock;
  }

  private long packed() {
    if (bits == 0) {
      return 0;
    }
    int from = (int) (bit / Byte.SIZE);
    int shift = (int) (bit % Byte.SIZE);
    long packed = (long) LONGS.get(bytes, from) >>> shift;
    if (shift + bits > Long.SIZE) {
      packed |= (long) bytes[from + Long.BYTES] << (Long.SIZE - shift);
    }
    return packed & (-1L >>> (Long.SIZE - bits));
  }
}
