package io.arrowtensor.internal;

import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** The C functions of {@code src/test/native}. */
public final class TestNative {
  private TestNative() {}

  /** Calls a C function by its name. */
  public static long call(String name, long... arguments) {
    long[] a = java.util.Arrays.copyOf(arguments, 9);
    return Native.call(
        symbol(Opened.LIBRARY, name), a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8]);
  }

  /** The address of a function of these. */
  public static long function(String name) {
    return symbol(Opened.LIBRARY, name);
  }

  /** The address of a function; fails when there is none. */
  static long symbol(long library, String name) {
    long text = cString(name);
    long symbol = Native.symbol(library, text);
    Native.free(text);
    if (symbol == 0) {
      throw new AssertionError("no symbol " + name);
    }
    return symbol;
  }

  /** A copy of {@code text} with a terminating 0, to be freed. */
  public static long cString(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    long address = Native.allocate(bytes.length + 1L, 16);
    RawMemory.copyFrom(bytes, 0, address, bytes.length);
    RawMemory.putByte(address + bytes.length, (byte) 0);
    return address;
  }

  /** The compiled library. */
  public static Path file() {
    try {
      return Path.of(TestNative.class.getResource("/native/libarrowtensortest.so").toURI());
    } catch (URISyntaxException e) {
      throw new AssertionError(e);
    }
  }

  /** Opened on the first call, so that a test may load the file before. */
  private static final class Opened {
    static final long LIBRARY = open();

    private static long open() {
      NativeLibrary.require();
      long text = cString(file().toString());
      long library = Native.open(text);
      Native.free(text);
      if (library == 0) {
        throw new AssertionError("cannot open " + file());
      }
      return library;
    }
  }
}
