package io.arrowtensor.flink.file;

import io.arrowtensor.InvalidStructException;
import java.util.Arrays;

/** The values of a page that have a length each, without the nulls between them. */
abstract class BytesValues {
  /** Appends the next {@code count} values to those of {@code target}, from {@code row} on. */
  abstract void read(BytesVector target, int row, int count);

  /** Values one after the other, each behind its length. */
  static final class Plain extends BytesValues {
    private final Span values;
    private int at;

    Plain(Span values) {
      this.values = values;
      this.at = values.from();
    }

    /** The length of the next value, which begins where {@link #at} is then. */
    private int next() {
      int length = values.intAt(at);
      at += Integer.BYTES;
      if (length < 0 || length > values.to() - at) {
        throw new InvalidStructException(
            "a value of " + length + " bytes where a page has " + (values.to() - at) + " left");
      }
      return length;
    }

    @Override
    void read(BytesVector target, int row, int count) {
      for (int i = 0; i < count; i++) {
        int length = next();
        target.append(row + i, values.array(), at, length);
        at += length;
      }
    }
  }

  /** Indices, and the words that they stand for. */
  static final class LookedUp extends BytesValues {
    private final Runs indices;
    private final Words words;
    private final int[] block = new int[FixedValues.BLOCK];

    LookedUp(Runs indices, Words words) {
      this.indices = indices;
      this.words = words;
    }

    @Override
    void read(BytesVector target, int row, int count) {
      for (int done = 0; done < count; done += block.length) {
        int next = Math.min(block.length, count - done);
        indices.read(block, next);
        for (int i = 0; i < next; i++) {
          int word = block[i];
          if (word < 0 || word >= words.starts.length) {
            throw FixedValues.outside(block, next, words.starts.length);
          }
          target.append(row + done + i, words.bytes, words.starts[word], words.lengths[word]);
        }
      }
    }
  }

  /** A dictionary. */
  static final class Words {
    private final byte[] bytes;
    private final int[] starts;
    private final int[] lengths;

    /** Copies the dictionary of a page. */
    Words(Span page, int count) {
      page.requireLength((long) count * Integer.BYTES);
      bytes = Arrays.copyOfRange(page.array(), page.from(), page.to());
      starts = new int[count];
      lengths = new int[count];
      Plain plain = new Plain(new Span(bytes, 0, bytes.length));
      for (int i = 0; i < count; i++) {
        lengths[i] = plain.next();
        starts[i] = plain.at;
        plain.at += lengths[i];
      }
    }
  }
}
