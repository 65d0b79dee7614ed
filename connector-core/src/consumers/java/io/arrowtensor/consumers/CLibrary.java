package io.arrowtensor.consumers;

import io.arrowtensor.internal.Native;
import io.arrowtensor.internal.NativeLibrary;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
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

  /** Calls a function of up to six integer or pointer arguments. */
  long call(String name, long... arguments) {
    long[] a = new long[6];
    System.arraycopy(arguments, 0, a, 0, arguments.length);
    return Native.call(
        symbols.computeIfAbsent(name, this::symbol), a[0], a[1], a[2], a[3], a[4], a[5]);
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
