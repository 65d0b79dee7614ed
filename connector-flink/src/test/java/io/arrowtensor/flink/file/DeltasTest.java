package io.arrowtensor.flink.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.InvalidStructException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.LongStream;
import org.apache.parquet.bytes.HeapByteBufferAllocator;
import org.apache.parquet.column.values.delta.DeltaBinaryPackingValuesWriterForInteger;
import org.apache.parquet.column.values.delta.DeltaBinaryPackingValuesWriterForLong;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Differences, as Parquet's own writers pack them. */
class DeltasTest {
  /** Random values of up to {@code bits}, also negative ones. */
  private static long[] values(int count, int bits) {
    Random random = new Random(bits);
    return LongStream.generate(() -> bits == 0 ? 5 : random.nextLong() >> (Long.SIZE - bits))
        .limit(count)
        .toArray();
  }

  /** In parts, from an array that has other bytes around. */
  private static long[] read(byte[] encoded, int count, int width) {
    byte[] array = new byte[encoded.length + 5];
    Arrays.fill(array, (byte) -1);
    System.arraycopy(encoded, 0, array, 3, encoded.length);
    Deltas deltas = new Deltas(new Span(array, 3, 3 + encoded.length), width);
    long[] read = new long[count];
    byte[] part = new byte[FixedValues.BLOCK * width];
    for (int done = 0, next = 1; done < count; next = next % 500 + 77) {
      int rows = Math.min(next, count - done);
      deltas.read(part, rows);
      ByteBuffer bytes = ByteBuffer.wrap(part).order(ByteOrder.nativeOrder());
      for (int i = 0; i < rows; i++) {
        read[done++] = width == Long.BYTES ? bytes.getLong() : bytes.getInt();
      }
    }
    return read;
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 7, 8, 9, 31, 32, 33, 55, 56, 57, 58, 61, 63, 64})
  void longsOfEachWidthAreRead(int bits) throws Exception {
    for (int count : new int[] {1, 2, 32, 33, 128, 129, 130, 3000}) {
      long[] values = values(count, bits);
      try (var writer =
          new DeltaBinaryPackingValuesWriterForLong(64, 1 << 16, new HeapByteBufferAllocator())) {
        LongStream.of(values).forEach(writer::writeLong);
        byte[] encoded = writer.getBytes().toInputStream().readAllBytes();
        assertThat(read(encoded, count, Long.BYTES)).as("%s values", count).isEqualTo(values);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 8, 31, 32})
  void intsOfEachWidthAreRead(int bits) throws Exception {
    long[] values = values(3000, bits);
    try (var writer =
        new DeltaBinaryPackingValuesWriterForInteger(64, 1 << 16, new HeapByteBufferAllocator())) {
      LongStream.of(values).forEach(value -> writer.writeInteger((int) value));
      byte[] encoded = writer.getBytes().toInputStream().readAllBytes();
      assertThat(read(encoded, values.length, Integer.BYTES)).isEqualTo(values);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "''            | differences need 1 bytes where a page has 0 left",
        "0 1 9 0       | 0 differences in 1 blocks",
        "8 0 9 0       | 8 differences in 0 blocks",
        "8 3 9 0       | 8 differences in 3 blocks",
        "8 2 9 0       | 8 differences in 2 blocks",
        "8 1 1 0       | 1 values are expected where 0 are left",
        "8 1 9 0       | differences need 1 bytes where a page has 0 left",
        "16 2 9 0 0 1  | differences need 2 bytes where a page has 1 left",
        "8 1 9 0 0 65  | differences of 65 bits are no integers",
        "8 1 9 0 0 255 | differences of -1 bits are no integers",
        "8 1 9 0 0 2 1 | differences need 2 bytes where a page has 1 left",
        "128 128 128 128 128 128 128 128 128 128 1 | a number has more than 64 bits",
      })
  void whatPagesDoNotHaveIsRefused(String bytes, String why) {
    byte[] page = new byte[bytes.isEmpty() ? 0 : bytes.split(" ").length];
    for (int i = 0; i < page.length; i++) {
      page[i] = (byte) Integer.parseInt(bytes.split(" ")[i]);
    }
    assertThatThrownBy(() -> read(page, 2, Long.BYTES))
        .isInstanceOf(InvalidStructException.class)
        .hasMessage(why);
  }

  @ParameterizedTest
  @ValueSource(strings = {"255 255 255 255 255 255 255 255 255 1", "255 255 255 255 15"})
  void countsThatAreNoIntsAreRefused(String count) {
    String[] parts = count.split(" ");
    byte[] page = new byte[parts.length + 3];
    for (int i = 0; i < parts.length; i++) {
      page[i] = (byte) Integer.parseInt(parts[i]);
    }
    assertThatThrownBy(() -> read(page, 2, Long.BYTES))
        .isInstanceOfAny(InvalidStructException.class, ArithmeticException.class);
  }
}
