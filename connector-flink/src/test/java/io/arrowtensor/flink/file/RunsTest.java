package io.arrowtensor.flink.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.InvalidStructException;
import java.io.IOException;
import java.util.Arrays;
import java.util.Random;
import org.apache.parquet.bytes.BytesInput;
import org.apache.parquet.bytes.HeapByteBufferAllocator;
import org.apache.parquet.column.values.rle.RunLengthBitPackingHybridEncoder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Levels and indices, as Parquet's own encoder writes them. */
class RunsTest {
  private static final int VALUES = 3000;

  /** Half of them in runs of one value. */
  private static int[] values(int width, Random random) {
    int[] values = new int[VALUES];
    for (int i = 0; i < VALUES; ) {
      int run = random.nextBoolean() ? 1 + random.nextInt(40) : 1;
      int value = width == 0 ? 0 : random.nextInt() >>> (Integer.SIZE - width);
      int end = Math.min(VALUES, i + run);
      Arrays.fill(values, i, end, value);
      i = end;
    }
    return values;
  }

  private static byte[] encoded(int[] values, int width) throws IOException {
    try (var encoder =
        new RunLengthBitPackingHybridEncoder(width, 64, 1 << 16, new HeapByteBufferAllocator())) {
      for (int value : values) {
        encoder.writeInt(value);
      }
      return bytes(encoder.toBytes());
    }
  }

  private static byte[] bytes(BytesInput input) throws IOException {
    return input.toInputStream().readAllBytes();
  }

  @ParameterizedTest
  @ValueSource(
      ints = {
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24,
        25, 26, 27, 28, 29, 30, 31, 32
      })
  void valuesOfEachWidthAreReadInPartsOfAnySize(int width) throws IOException {
    long seed = Long.getLong("seed", System.nanoTime());
    Random random = new Random(seed);
    int[] values = values(width, random);
    byte[] encoded = encoded(values, width);
    for (int before : new int[] {0, 3}) {
      for (int behind : new int[] {0, 1, 100}) {
        byte[] array = new byte[before + encoded.length + behind];
        Arrays.fill(array, (byte) -1);
        System.arraycopy(encoded, 0, array, before, encoded.length);
        Runs runs = new Runs(new Span(array, before, before + encoded.length), width);
        int[] target = new int[VALUES];
        for (int done = 0; done < VALUES; ) {
          int count = Math.min(VALUES - done, random.nextInt(100));
          runs.read(target, count);
          assertThat(Arrays.copyOf(target, count))
              .as("-Dseed=%s: %s values from %s, %s bytes behind", seed, count, done, behind)
              .isEqualTo(Arrays.copyOfRange(values, done, done + count));
          done += count;
        }
      }
    }
  }

  /** As Polars wrote pages until 2024; Parquet's own reader takes them too. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 5, 8, 10, 13, 17, 24, 31, 32})
  void theLastPackedGroupMayEndWithItsLastValue(int width) {
    for (int count = 1; count < 20; count++) {
      int[] values = values(width, new Random(count));
      byte[] packed = packed(values, count, width);
      for (int behind : new int[] {0, 30}) {
        byte[] array = Arrays.copyOf(packed, packed.length + behind);
        Arrays.fill(array, packed.length, array.length, (byte) -1);
        Runs runs = new Runs(new Span(array, 0, packed.length), width);
        int[] target = new int[count];
        runs.read(target, count);
        assertThat(target).isEqualTo(Arrays.copyOf(values, count));
        assertThatThrownBy(() -> runs.read(new int[8], 8))
            .isInstanceOf(InvalidStructException.class)
            .hasMessageEndingWith("left");
      }
    }
  }

  /** One run of packed bits, without the bytes behind the last of {@code count} values. */
  private static byte[] packed(int[] values, int count, int width) {
    byte[] bytes = new byte[1 + (count * width + Byte.SIZE - 1) / Byte.SIZE];
    bytes[0] = (byte) ((((count + 7) / 8) << 1) | 1);
    for (int bit = 0; bit < count * width; bit++) {
      int set = (values[bit / width] >>> (bit % width)) & 1;
      bytes[1 + bit / Byte.SIZE] |= (byte) (set << (bit % Byte.SIZE));
    }
    return bytes;
  }

  @Test
  void aRunOfTheWantedValueIsSkippedWhereItIsLongEnough() {
    Runs runs = new Runs(span(20, 1, 2, 0, 3, 0b101), 1); // ten ones, a zero, eight packed
    assertThat(runs.skip(1, 4)).isTrue();
    assertThat(runs.skip(0, 1)).as("another value").isFalse();
    assertThat(runs.skip(1, 7)).as("more than are left").isFalse();
    assertThat(runs.skip(1, 6)).isTrue();
    assertThat(runs.skip(0, 1)).isTrue();
    assertThat(runs.skip(1, 1)).as("packed").isFalse();
    int[] packed = new int[8];
    runs.read(packed, 8);
    assertThat(packed).containsExactly(1, 0, 1, 0, 0, 0, 0, 0);
  }

  private static Span span(int... bytes) {
    byte[] array = new byte[bytes.length + 20]; // what is behind belongs to others
    for (int i = 0; i < bytes.length; i++) {
      array[i] = (byte) bytes[i];
    }
    return new Span(array, 0, bytes.length);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "8  |           | a run needs 1 bytes where a page has 0 left",
        "10 | 3 0       | a run needs 10 bytes where a page has 1 left",
        "10 | 4 1       | a run needs 2 bytes where a page has 1 left",
        "10 | 4 255 255 | a run of 65535 has more than 10 bits",
        "1  | 4 2       | a run of 2 has more than 1 bits",
        "8  | 0 0 0 0   | a run needs 1 bytes where a page has 0 left",
        "8  | 255 255 255 255 255 255 | a run's length has more than 32 bits",
        "8  | 255 255 255 255 15 1    | a run needs 1 bytes where a page has 0 left",
        "20 | 3 0 0     | a run needs 20 bytes where a page has 2 left",
        "33 |           | values of 33 bits are no integers",
      })
  void whatPagesDoNotHaveIsRefused(int width, String bytes, String why) {
    int[] given =
        bytes == null
            ? new int[0]
            : Arrays.stream(bytes.split(" ")).mapToInt(Integer::parseInt).toArray();
    assertThatThrownBy(() -> new Runs(span(given), width).read(new int[100], 100))
        .isInstanceOf(InvalidStructException.class)
        .hasMessage(why);
  }

  @Test
  void indicesBeginWithTheirWidth() {
    int[] read = new int[3];
    Runs.ofIndices(span(3, 6, 5)).read(read, 3);
    assertThat(read).containsExactly(5, 5, 5);
    assertThatThrownBy(() -> Runs.ofIndices(new Span(new byte[9], 4, 4)).read(read, 1))
        .hasMessage("a run needs 1 bytes where a page has 0 left");
  }
}
