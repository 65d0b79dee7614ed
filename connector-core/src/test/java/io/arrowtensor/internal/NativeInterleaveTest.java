package io.arrowtensor.internal;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Against an element at a time, over columns, rows, widths and alignments. */
class NativeInterleaveTest {
  private static final byte GUARD = 0x55;
  private static final int[] COLUMNS = {1, 2, 3, 4, 5, 7, 8, 9, 12, 17};
  private static final int[] ROWS = {0, 1, 2, 3, 4, 5, 31, 255, 256, 257, 600};
  private static final int[] MISALIGNMENTS = {0, 1, 4, 8};

  @BeforeAll
  static void loads() {
    NativeLibrary.require();
  }

  @ParameterizedTest
  @ValueSource(ints = {4, 8})
  void rowsHoldTheColumnsInOrder(int width) {
    for (int k : COLUMNS) {
      for (int rows : ROWS) {
        for (int misaligned : MISALIGNMENTS) {
          assertInterleaved(k, rows, width, misaligned);
        }
      }
    }
  }

  private static void assertInterleaved(int k, int rows, int width, int misaligned) {
    int bytes = rows * width;
    long addresses = Native.allocate(k * 8L, 8);
    for (int c = 0; c < k; c++) {
      long column = Native.allocate(bytes + 64L, 64);
      RawMemory.putLong(addresses + c * 8L, column + misaligned);
      for (int i = 0; i < bytes; i++) {
        RawMemory.putByte(column + misaligned + i, (byte) (c * 31 + i * 7 + (i >> 8)));
      }
    }
    long matrix = Native.allocate((long) k * bytes + 64, 64);
    RawMemory.fill(matrix, (long) k * bytes + 64, GUARD);
    long out = matrix + 16 + misaligned;
    Native.interleave(addresses, k, rows, width, out);

    String what = "%d columns, %d rows, width %d, off by %d".formatted(k, rows, width, misaligned);
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < k; c++) {
        for (int b = 0; b < width; b++) {
          byte expected =
              RawMemory.byteAt(RawMemory.longAt(addresses + c * 8L) + (long) r * width + b);
          byte actual = RawMemory.byteAt(out + ((long) r * k + c) * width + b);
          if (actual != expected) {
            assertThat(actual).as("%s: row %d, column %d", what, r, c).isEqualTo(expected);
          }
        }
      }
    }
    for (long guard = matrix; guard < out; guard++) {
      assertThat(RawMemory.byteAt(guard)).as("%s: before the matrix", what).isEqualTo(GUARD);
    }
    for (long guard = out + (long) k * bytes; guard < matrix + (long) k * bytes + 64; guard++) {
      assertThat(RawMemory.byteAt(guard)).as("%s: behind the matrix", what).isEqualTo(GUARD);
    }
    for (int c = 0; c < k; c++) {
      Native.free(RawMemory.longAt(addresses + c * 8L) - misaligned);
    }
    Native.free(matrix);
    Native.free(addresses);
  }
}
