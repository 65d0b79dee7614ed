package io.arrowtensor.testing;

import io.arrowtensor.internal.Native;
import io.arrowtensor.internal.NativeLibrary;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** A deleter in C that counts its calls and frees nothing; one count for the process. */
public final class CountingDeleter {
  private static final long LIBRARY = open();

  private final long before = counted();

  /** The address of {@code void count_call(void *)}. */
  public long address() {
    return symbol("count_call");
  }

  /** Calls since this object was made. */
  public long calls() {
    return counted() - before;
  }

  /** What the last call was given. */
  public long lastArgument() {
    return Native.call(symbol("last_argument"), 0, 0, 0, 0, 0, 0);
  }

  private static long counted() {
    return Native.call(symbol("calls_counted"), 0, 0, 0, 0, 0, 0);
  }

  private static long symbol(String name) {
    long text = cString(name);
    long symbol = Native.symbol(LIBRARY, text);
    Native.free(text);
    if (symbol == 0) {
      throw new AssertionError("no symbol " + name);
    }
    return symbol;
  }

  private static long open() {
    NativeLibrary.require();
    try {
      String library = "/native/libarrowtensortest.so";
      long path = cString(Path.of(CountingDeleter.class.getResource(library).toURI()).toString());
      long opened = Native.open(path);
      Native.free(path);
      if (opened == 0) {
        throw new AssertionError("cannot open " + library);
      }
      return opened;
    } catch (URISyntaxException e) {
      throw new AssertionError(e);
    }
  }

  private static long cString(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    long address = Native.allocate(bytes.length + 1L, 16);
    ByteBuffer buffer = Native.byteBuffer(address, bytes.length + 1L);
    buffer.put(bytes).put((byte) 0);
    return address;
  }
}
