package io.arrowtensor.consumers;

import io.arrowtensor.internal.Native;
import io.arrowtensor.internal.NativeLibrary;
import io.arrowtensor.testing.DlpackStruct;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** A shared library's C functions by name. It stays loaded. */
final class CLibrary {
  private final long handle;
  private final Path file;
  private final Map<String, Long> symbols = new ConcurrentHashMap<>();

  private CLibrary(long handle, Path file) {
    this.handle = handle;
    this.file = file;
  }

  /**
   * Opens a file, or says what is missing.
   *
   * @throws UnsatisfiedLinkError when the system's loader refuses it
   */
  static CLibrary open(Path file) {
    NativeLibrary.require();
    long path = cString(file.toString());
    long handle = Native.open(path);
    Native.free(path);
    if (handle == 0) {
      throw new UnsatisfiedLinkError(
          "Cannot open " + file + ": a library that it needs is missing (ldd lists them)");
    }
    return new CLibrary(handle, file);
  }

  /** Calls a function of up to nine integer or pointer arguments. */
  long call(String name, long... arguments) {
    long[] a = Arrays.copyOf(arguments, 9);
    long function = symbols.computeIfAbsent(name, this::symbol);
    return Native.call(function, a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8]);
  }

  /** The text at {@code address}, which ends in 0. */
  static String text(long address) {
    ByteBuffer bytes = DlpackStruct.buffer(address, Integer.MAX_VALUE);
    int length = 0;
    while (bytes.get(length) != 0) {
      length++;
    }
    byte[] text = new byte[length];
    bytes.get(text);
    return new String(text, StandardCharsets.UTF_8);
  }

  private long symbol(String name) {
    long text = cString(name);
    long symbol = Native.symbol(handle, text);
    Native.free(text);
    if (symbol == 0) {
      throw new UnsatisfiedLinkError(file + " has no function " + name);
    }
    return symbol;
  }

  /** {@code text} as UTF-8 with its end; the caller frees it. */
  static long cString(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    long address = Native.allocate(bytes.length + 1L, 16);
    Native.byteBuffer(address, bytes.length + 1L).put(bytes).put((byte) 0);
    return address;
  }
}
