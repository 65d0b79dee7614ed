package io.arrowtensor.internal;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NativeBitsTest {
  private static final int BYTES = 1024;

  private final long bitmap = Native.allocate(BYTES, 64);

  @BeforeAll
  static void loads() {
    NativeLibrary.require();
  }

  @AfterEach
  void free() {
    Native.free(bitmap);
  }

  @Test
  void noBitsAreAllSet() {
    assertThat(Native.allSet(0, 0, 0)).isTrue();
    assertThat(Native.allSet(bitmap, 13, 0)).isTrue();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 7, 8, 9, 63, 64, 65, 255, 256, 257, 2047, 2048, 2049, 4100, 8000})
  void bitsOutsideOfTheRangeDoNotCount(int bits) {
    for (int offset = 0; offset < 20; offset++) {
      RawMemory.fill(bitmap, BYTES, (byte) 0);
      for (int i = offset; i < offset + bits; i++) {
        set(i);
      }
      assertThat(Native.allSet(bitmap, offset, bits)).as("[%d, +%d)", offset, bits).isTrue();
      assertThat(Native.allSet(bitmap, offset, bits + 1)).as("one more").isFalse();
      if (offset > 0) {
        assertThat(Native.allSet(bitmap, offset - 1, bits)).as("one before").isFalse();
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 7, 8, 9, 64, 65, 300, 2049, 4100})
  void eachClearedBitIsFound(int bits) {
    RawMemory.fill(bitmap, BYTES, (byte) 0xff);
    for (int offset : new int[] {0, 1, 5, 8, 15}) {
      for (int cleared = offset; cleared < offset + bits; cleared++) {
        flip(cleared);
        assertThat(Native.allSet(bitmap, offset, bits))
            .as("bit %d of [%d, +%d)", cleared, offset, bits)
            .isFalse();
        flip(cleared);
      }
    }
  }

  @Test
  void agreesWithABitByBitOracle() {
    Random random = new Random(7);
    int trues = 0;
    for (int i = 0; i < 20_000; i++) {
      RawMemory.fill(bitmap, BYTES, (byte) 0xff);
      int flips = random.nextInt(3);
      for (int f = 0; f < flips; f++) {
        flip(random.nextInt(BYTES * 8));
      }
      int offset = random.nextInt(100);
      int bits = random.nextInt(BYTES * 8 - 100);
      boolean expected = oracle(offset, bits);
      trues += expected ? 1 : 0;
      assertThat(Native.allSet(bitmap, offset, bits))
          .as("[%d, +%d)", offset, bits)
          .isEqualTo(expected);
    }
    assertThat(trues).as("cases that are all set").isBetween(5_000, 15_000);
  }

  private boolean oracle(int offset, int bits) {
    for (int i = offset; i < offset + bits; i++) {
      if ((RawMemory.byteAt(bitmap + i / 8) >> (i % 8) & 1) == 0) {
        return false;
      }
    }
    return true;
  }

  private void set(int bit) {
    long address = bitmap + bit / 8;
    RawMemory.putByte(address, (byte) (RawMemory.byteAt(address) | 1 << bit % 8));
  }

  private void flip(int bit) {
    long address = bitmap + bit / 8;
    RawMemory.putByte(address, (byte) (RawMemory.byteAt(address) ^ 1 << bit % 8));
  }
}
