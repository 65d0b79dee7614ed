package io.arrowtensor.python;

import io.arrowtensor.internal.Abi;
import io.arrowtensor.internal.Native;
import io.arrowtensor.internal.NativeLibrary;
import io.arrowtensor.internal.RawMemory;
import java.util.function.LongConsumer;

/** Arrow structs in memory of their own, as capsules hold them: their destructor frees it. */
final class ArrowStructs {
  private static final int ALIGNMENT = 16;

  private ArrowStructs() {}

  /** Fills the structs at two addresses, or throws and holds nothing. */
  interface Pair {
    void to(long schema, long array);
  }

  /** Writes the addresses of two new structs to {@code out}. */
  static long pair(long out, int arraySize, Pair export) {
    long schema = allocate(Abi.Schema.SIZE);
    try {
      long array = single(arraySize, struct -> export.to(schema, struct));
      RawMemory.putLong(out, schema);
      RawMemory.putLong(out + Long.BYTES, array);
      return 0;
    } catch (RuntimeException | Error e) {
      Native.free(schema);
      throw e;
    }
  }

  /** The address of a new struct. */
  static long single(int size, LongConsumer export) {
    long struct = allocate(size);
    try {
      export.accept(struct);
      return struct;
    } catch (RuntimeException | Error e) {
      Native.free(struct);
      throw e;
    }
  }

  private static long allocate(int bytes) {
    NativeLibrary.require();
    long struct = Native.allocate(bytes, ALIGNMENT);
    if (struct == 0) {
      throw new OutOfMemoryError("Cannot allocate an Arrow struct: the system has no memory left");
    }
    return struct;
  }
}
