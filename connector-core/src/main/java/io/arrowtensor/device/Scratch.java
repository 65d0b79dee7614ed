package io.arrowtensor.device;

import io.arrowtensor.InterchangeException;
import io.arrowtensor.internal.Native;
import io.arrowtensor.internal.RawMemory;
import java.nio.charset.StandardCharsets;

/** A few words of zeroed native memory for what C functions read or write; freed by close. */
final class Scratch implements AutoCloseable {
  private final long address;

  private Scratch(long bytes) {
    address = Native.allocate(bytes, 16);
    if (address == 0) {
      throw new InterchangeException(
          "Cannot allocate " + bytes + " bytes of native memory: the system has none left");
    }
    RawMemory.fill(address, bytes, (byte) 0);
  }

  /** Room for {@code count} words of 64 bits. */
  static Scratch words(int count) {
    return new Scratch(8L * Math.max(1, count));
  }

  /** Words that hold {@code values}. */
  static Scratch of(long... values) {
    Scratch words = words(values.length);
    for (int i = 0; i < values.length; i++) {
      RawMemory.putLong(words.address(i), values[i]);
    }
    return words;
  }

  /** {@code text} as a C string. */
  static Scratch text(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    Scratch memory = new Scratch(bytes.length + 1L);
    RawMemory.copyFrom(bytes, 0, memory.address, bytes.length);
    return memory;
  }

  /** The address of word {@code index}. */
  long address(int index) {
    return address + 8L * index;
  }

  long longAt(int index) {
    return RawMemory.longAt(address(index));
  }

  /** The first 32 bits of word {@code index}. */
  int intAt(int index) {
    return RawMemory.intAt(address(index));
  }

  @Override
  public void close() {
    Native.free(address);
  }
}
