package io.arrowtensor.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.InvalidStructException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The oracle is a direct byte buffer over the same bytes. */
class RawMemoryTest {
  private static final int BYTES = 1024;

  private final long memory = Native.allocate(BYTES, 64);
  private final ByteBuffer oracle = Native.byteBuffer(memory, BYTES).order(ByteOrder.nativeOrder());

  @BeforeAll
  static void loads() {
    NativeLibrary.require();
  }

  @AfterEach
  void free() {
    Native.free(memory);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 3, 7, 8})
  void readsEveryWidthAtAnyAlignment(int at) {
    for (int i = 0; i < BYTES; i++) {
      oracle.put(i, (byte) (i * 37 + 200));
    }
    assertThat(RawMemory.byteAt(memory + at)).isEqualTo(oracle.get(at));
    assertThat(RawMemory.shortAt(memory + at)).isEqualTo(oracle.getShort(at));
    assertThat(RawMemory.intAt(memory + at)).isEqualTo(oracle.getInt(at));
    assertThat(RawMemory.longAt(memory + at)).isEqualTo(oracle.getLong(at));
    assertThat(RawMemory.floatAt(memory + at)).isEqualTo(oracle.getFloat(at));
    assertThat(RawMemory.doubleAt(memory + at)).isEqualTo(oracle.getDouble(at));
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 3, 7, 8})
  void writesEveryWidthAtAnyAlignmentAndNothingElse(int at) {
    assertWrites(at, 1, () -> RawMemory.putByte(memory + at, (byte) -7));
    assertThat(oracle.get(at)).isEqualTo((byte) -7);
    assertWrites(at, 2, () -> RawMemory.putShort(memory + at, (short) -1234));
    assertThat(oracle.getShort(at)).isEqualTo((short) -1234);
    assertWrites(at, 4, () -> RawMemory.putInt(memory + at, 0x87654321));
    assertThat(oracle.getInt(at)).isEqualTo(0x87654321);
    assertWrites(at, 8, () -> RawMemory.putLong(memory + at, 0x8765432112345678L));
    assertThat(oracle.getLong(at)).isEqualTo(0x8765432112345678L);
    assertWrites(at, 4, () -> RawMemory.putFloat(memory + at, -1.5f));
    assertThat(oracle.getFloat(at)).isEqualTo(-1.5f);
    assertWrites(at, 8, () -> RawMemory.putDouble(memory + at, -2.5));
    assertThat(oracle.getDouble(at)).isEqualTo(-2.5);
  }

  @Test
  void bitsOfUnusualNumbersAreKept() {
    RawMemory.putFloat(memory, Float.intBitsToFloat(0x7fc01234));
    assertThat(oracle.getInt(0)).isEqualTo(0x7fc01234);
    RawMemory.putDouble(memory, Double.longBitsToDouble(0x7ff8000000001234L));
    assertThat(oracle.getLong(0)).isEqualTo(0x7ff8000000001234L);
  }

  @Test
  void addressesAboveTheHeapAreReached() {
    // The stack and mapped libraries lie far above what malloc returns.
    long function = Native.callback(Native.DLPACK_VERSIONED_DELETER);
    assertThat(function).isGreaterThan(1L << 32);
    assertThat(RawMemory.longAt(function))
        .isEqualTo(Native.byteBuffer(function, 8).order(ByteOrder.nativeOrder()).getLong(0));
  }

  @Test
  void aBufferIsTheMemoryItself() {
    ByteBuffer buffer = RawMemory.byteBuffer(memory + 3, 9);
    assertThat(RawMemory.addressOf(buffer)).isEqualTo(memory + 3);
    assertThat(buffer.capacity()).isEqualTo(9);
    assertThat(buffer.isReadOnly()).isFalse();
    assertThat(buffer.order()).isEqualTo(ByteOrder.BIG_ENDIAN);
    buffer.put(8, (byte) 77);
    assertThat(oracle.get(11)).isEqualTo((byte) 77);
  }

  @Test
  void copiesOverlapInBothDirections() {
    byte[] bytes = new byte[BYTES];
    new Random(1).nextBytes(bytes);
    for (int shift : new int[] {-5, -1, 0, 1, 13}) {
      RawMemory.copyFrom(bytes, 0, memory, BYTES);
      RawMemory.copy(memory + 100, memory + 100 + shift, 500);
      byte[] expected = bytes.clone();
      System.arraycopy(bytes, 100, expected, 100 + shift, 500);
      byte[] actual = new byte[BYTES];
      RawMemory.copyInto(memory, actual, 0, BYTES);
      assertThat(actual).as("moved by %d", shift).isEqualTo(expected);
    }
  }

  @Test
  void copiesOfNothingTouchNothing() {
    RawMemory.copy(0, 0, 0);
    RawMemory.copyFrom(new byte[0], 0, 0, 0);
    RawMemory.copyInto(0, new byte[0], 0, 0);
    assertWrites(0, 0, () -> RawMemory.fill(memory, 0, (byte) 1));
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 7, 63, 64, 65, 127, 128, 500, 1000})
  void fillsAllBytesAndNoOthers(int bytes) {
    assertWrites(3, bytes, () -> RawMemory.fill(memory + 3, bytes, (byte) 0x7e));
    for (int i = 0; i < bytes; i++) {
      assertThat(oracle.get(3 + i)).as("byte %d", i).isEqualTo((byte) 0x7e);
    }
  }

  @Test
  void readsTextUpToItsZero() {
    byte[] text = "größe\0rest".getBytes(StandardCharsets.UTF_8);
    RawMemory.copyFrom(text, 0, memory, text.length);
    assertThat(RawMemory.cString(memory, BYTES)).isEqualTo("größe");
    assertThat(RawMemory.cString(memory + 7, BYTES)).isEmpty();
  }

  @Test
  void textWithoutAZeroIsRefused() {
    RawMemory.fill(memory, BYTES, (byte) 'x');
    assertThatThrownBy(() -> RawMemory.cString(memory, BYTES))
        .isInstanceOf(InvalidStructException.class)
        .hasMessageContaining("more than " + BYTES);
  }

  private void assertWrites(int at, int bytes, Runnable write) {
    for (byte ground : new byte[] {0, (byte) 0xff}) {
      for (int i = 0; i < BYTES; i++) {
        oracle.put(i, ground);
      }
      write.run();
      for (int i = 0; i < BYTES; i++) {
        if (i < at || i >= at + bytes) {
          assertThat(oracle.get(i))
              .as("byte %d beside [%d, %d)", i, at, at + bytes)
              .isEqualTo(ground);
        }
      }
    }
  }
}
