package io.arrowtensor.internal;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Modifier;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NativeTest {
  @BeforeAll
  static void loads() {
    NativeLibrary.require();
  }

  @ParameterizedTest
  @ValueSource(longs = {8, 16, 64, 256, 4096})
  void memoryIsAligned(long alignment) {
    for (long bytes : new long[] {1, 63, 64, 1000, 1 << 20}) {
      long address = Native.allocate(bytes, alignment);
      assertThat(address).isNotZero();
      assertThat(address % alignment).as("0x%x", address).isZero();
      RawMemory.fill(address, bytes, (byte) 1);
      Native.free(address);
    }
  }

  @Test
  void memoryThatCannotBeHadIsRefused() {
    assertThat(Native.allocate(Long.MAX_VALUE, 64)).as("too much").isZero();
    assertThat(Native.allocate(-1, 64)).as("negative").isZero();
    assertThat(Native.allocate(64, 48)).as("no power of two").isZero();
  }

  @Test
  void foreignFunctionsGetTheirArgumentsInOrder() {
    assertThat(TestNative.call("weigh", 1, 2, 3, 4, 5, 6, 7, 8, 9)).isEqualTo(987_654_321);
    assertThat(TestNative.call("weigh", -1, 0, 0, 0, 0, 0, 0, 0, -10)).isEqualTo(-1_000_000_001);
    assertThat(Native.call(TestNative.function("weigh"), 1, 2, 3, 4, 5, 6)).isEqualTo(654_321);
  }

  @Test
  void theProcessItselfCanBeSearched() {
    assertThat(TestNative.symbol(Native.open(0), "getpid")).isNotZero();
    assertThat(Native.call(TestNative.symbol(Native.open(0), "getpid"), 0, 0, 0, 0, 0, 0))
        .isEqualTo(ProcessHandle.current().pid());
  }

  @Test
  void whatIsMissingHasNoAddress() {
    long name = TestNative.cString("/no/such/library.so");
    assertThat(Native.open(name)).isZero();
    assertThat(Native.symbol(Native.open(0), name)).isZero();
    Native.free(name);
  }

  @Test
  void byteBufferSharesTheMemory() {
    long address = Native.allocate(64, 64);
    ByteBuffer buffer = Native.byteBuffer(address, 64);
    assertThat(buffer.isDirect()).isTrue();
    assertThat(buffer.capacity()).isEqualTo(64);
    buffer.put(5, (byte) 42);
    assertThat(RawMemory.byteAt(address + 5)).isEqualTo((byte) 42);
    Native.free(address);
  }

  @Test
  void nativeMethodsStayFew() {
    assertThat(Arrays.stream(Native.class.getDeclaredMethods()))
        .filteredOn(method -> Modifier.isNative(method.getModifiers()))
        .hasSizeLessThanOrEqualTo(16);
  }
}
