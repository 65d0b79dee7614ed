package io.arrowtensor.flink.file;

import io.arrowtensor.InvalidStructException;
import io.arrowtensor.internal.RawMemory;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/** The values of a page that have one width, without the nulls between them. */
abstract class FixedValues {
  /** Values that are read at once: few enough to stay in the first cache. */
  static final int BLOCK = 1024;

  static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.nativeOrder());
  static final VarHandle INTS =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.nativeOrder());

  /** Reads the next {@code count} values, at most a block, to the start of {@code target}. */
  abstract void read(byte[] target, int count);

  /**
   * Reads the next {@code count} values of {@code width} bytes to native memory.
   *
   * @param block memory of a block of values
   */
  void read(long target, int count, int width, byte[] block) {
    for (int done = 0; done < count; done += BLOCK) {
      int next = Math.min(BLOCK, count - done);
      read(block, next);
      RawMemory.copyFrom(block, 0, target + (long) done * width, next * width);
    }
  }

  /**
   * The error of indices of which one is not in a dictionary of {@code words}: looked for here, as
   * errors of compiled loops have no message.
   */
  static InvalidStructException outside(int[] indices, int count, int words) {
    int index = 0;
    for (int i = 0; i < count && (index >= 0 && index < words); i++) {
      index = indices[i];
    }
    return new InvalidStructException(
        "there is an index " + index + ", but its dictionary has " + words + " values");
  }

  /** Values one after the other, little-endian. */
  static final class Plain extends FixedValues {
    private final int width;
    private Span left;

    Plain(Span values, int width) {
      this.left = values;
      this.width = width;
    }

    private Span next(int count) {
      Span next = left.first((long) count * width);
      left = left.behind(next.length());
      return next;
    }

    @Override
    void read(byte[] target, int count) {
      Span next = next(count);
      System.arraycopy(next.array(), next.from(), target, 0, next.length());
    }

    @Override
    void read(long target, int count, int width, byte[] block) {
      Span next = next(count);
      RawMemory.copyFrom(next.array(), next.from(), target, next.length());
    }
  }

  /** Booleans, eight in a byte, the first in its lowest bit; a byte each in the target. */
  static final class Bits extends FixedValues {
    private final Span values;
    private int read;

    Bits(Span values) {
      this.values = values;
    }

    @Override
    void read(byte[] target, int count) {
      values.requireLength(((long) read + count + Byte.SIZE - 1) / Byte.SIZE);
      for (int i = 0; i < count; i++, read++) {
        int bits = values.array()[values.from() + read / Byte.SIZE];
        target[i] = (byte) ((bits >>> (read % Byte.SIZE)) & 1);
      }
    }
  }

  /** Booleans in runs; a byte each in the target. */
  static final class Flags extends FixedValues {
    private final Runs runs;
    private final int[] block = new int[BLOCK];

    Flags(Span values) {
      Span behind = values.behind(Integer.BYTES);
      this.runs = new Runs(behind.first(values.intAt(values.from())), 1);
    }

    @Override
    void read(byte[] target, int count) {
      runs.read(block, count);
      for (int i = 0; i < count; i++) {
        target[i] = (byte) block[i];
      }
    }
  }

  /** The first bytes of all values, then the second ones, and so on. */
  static final class Split extends FixedValues {
    private final Span values;
    private final int width;
    private final int all;
    private int read;

    Split(Span values, int width) {
      this.values = values;
      this.width = width;
      this.all = values.length() / width;
      if (values.length() % width != 0) {
        throw new InvalidStructException(
            values.length() + " split bytes are no values of " + width + " bytes");
      }
    }

    @Override
    void read(byte[] target, int count) {
      values.requireLength(((long) read + count) * width);
      for (int b = 0; b < width; b++) {
        int from = values.from() + b * all + read;
        for (int i = 0; i < count; i++) {
          target[i * width + b] = values.array()[from + i];
        }
      }
      read += count;
    }
  }

  /** Indices, and the words that they stand for. */
  static final class LookedUp extends FixedValues {
    private final Runs indices;
    private final Words words;
    private final int[] block = new int[BLOCK];

    LookedUp(Runs indices, Words words) {
      this.indices = indices;
      this.words = words;
    }

    @Override
    void read(byte[] target, int count) {
      indices.read(block, count);
      words.look(block, count, target);
    }
  }

  /** A dictionary. */
  interface Words {
    /** Writes the words of {@code count} indices to the start of {@code target}. */
    void look(int[] indices, int count, byte[] target);

    /**
     * The dictionary of a page.
     *
     * @param width 4 or 8
     */
    static Words of(Span page, int count, int width) {
      Span words = page.first((long) count * width);
      return width == Long.BYTES ? longs(words, count) : ints(words, count);
    }

    private static Words ints(Span page, int count) {
      int[] words = new int[count];
      for (int i = 0; i < count; i++) {
        words[i] = (int) INTS.get(page.array(), page.from() + i * Integer.BYTES);
      }
      return (indices, rows, target) -> {
        try {
          for (int i = 0; i < rows; i++) {
            INTS.set(target, i * Integer.BYTES, words[indices[i]]);
          }
        } catch (ArrayIndexOutOfBoundsException e) {
          throw outside(indices, rows, words.length);
        }
      };
    }

    private static Words longs(Span page, int count) {
      long[] words = new long[count];
      for (int i = 0; i < count; i++) {
        words[i] = (long) LONGS.get(page.array(), page.from() + i * Long.BYTES);
      }
      return (indices, rows, target) -> {
        try {
          for (int i = 0; i < rows; i++) {
            LONGS.set(target, i * Long.BYTES, words[indices[i]]);
          }
        } catch (ArrayIndexOutOfBoundsException e) {
          throw outside(indices, rows, words.length);
        }
      };
    }
  }
}
