package io.arrowtensor.python;

import static org.assertj.core.api.Assertions.assertThat;

import io.arrowtensor.internal.Native;
import io.arrowtensor.internal.TestNative;
import io.arrowtensor.testing.DlpackStruct;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** The C table, called as the Python package calls it; the interpreter is a double in C. */
final class PythonSide {
  static final long ENTRY = PythonRuntime.entry();
  private static final ByteBuffer TABLE =
      DlpackStruct.buffer(DlpackStruct.buffer(ENTRY, 16).getLong(8), 64);

  private PythonSide() {}

  /** Tells Java where the interpreter is. */
  static void open() {
    long[] functions = {
      TestNative.function("interpreter_ensure"),
      TestNative.function("interpreter_release"),
      TestNative.function("interpreter_decref")
    };
    assertThat(ask(Protocol.Root.OPEN, functions)).isZero();
  }

  static void assertLockWasUsedRightly() {
    assertThat(TestNative.call("interpreter_violations")).isZero();
  }

  /** A call with one number or address. */
  static long call(long block, int operation, long argument) {
    return Native.call(TABLE.getLong(0), block, operation, argument, 0, 0, 0);
  }

  /** A call of the entry with several numbers. */
  static long ask(int operation, long... arguments) {
    return ask(ENTRY, operation, arguments);
  }

  /** A call with several numbers, which it may change. */
  static long ask(long block, int operation, long... arguments) {
    long memory = Native.allocate(8L * arguments.length, 8);
    try {
      DlpackStruct.buffer(memory, 8 * arguments.length).asLongBuffer().put(arguments);
      long answer = call(block, operation, memory);
      DlpackStruct.buffer(memory, 8 * arguments.length).asLongBuffer().get(arguments);
      return answer;
    } finally {
      Native.free(memory);
    }
  }

  static void drop(long block) {
    Native.call(TABLE.getLong(8), block, 0, 0, 0, 0, 0);
  }

  /** The text behind the first word of a block, which is dropped. */
  static String text(long block) {
    assertThat(block).as("a block").isPositive();
    int length = 0;
    ByteBuffer bytes = DlpackStruct.buffer(block + 8, 1 << 16);
    while (bytes.get(length) != 0) {
      length++;
    }
    byte[] utf8 = new byte[length];
    bytes.get(utf8);
    drop(block);
    return new String(utf8, StandardCharsets.UTF_8);
  }

  /** Asserts that an answer is an error of this kind; returns its message. */
  static String error(int kind, long answer) {
    assertThat(answer).as("an error").isLessThan(-1);
    assertThat(DlpackStruct.buffer(-answer, 8).getLong(0)).as("kind of error").isEqualTo(kind);
    return text(-answer);
  }

  /** Memory with this text and a terminating 0, to be freed. */
  static long cString(String text) {
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    long memory = Native.allocate(utf8.length + 1L, 8);
    DlpackStruct.buffer(memory, utf8.length + 1).put(utf8).put((byte) 0);
    return memory;
  }
}
