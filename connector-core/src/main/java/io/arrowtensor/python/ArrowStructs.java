package io.arrowtensor.python;

import io.arrowtensor.internal.Abi;
import io.arrowtensor.internal.Native;
import io.arrowtensor.internal.RawMemory;

/** Arrow structs in memory of their own, as capsules hold them: their destructor frees it. */
final class ArrowStructs {
  private static final int ALIGNMENT = 16;

  private ArrowStructs() {}

  /** Fills the structs at two addresses, or throws and holds nothing. */
  interface Export {
    void to(long schema, long array);
  }

  /** Writes the addresses of two new structs to {@code out}. */
  static void fill(long out, Export export) {
    long schema = allocate(Abi.Schema.SIZE);
    try {
      long array = allocate(Abi.Array.SIZE);
      try {
        export.to(schema, array);
      } catch (RuntimeException | Error e) {
        Native.free(array);
        throw e;
      }
      RawMemory.putLong(out, schema);
      RawMemory.putLong(out + Long.BYTES, array);
    } catch (RuntimeException | Error e) {
      Native.free(schema);
      throw e;
    }
  }

  static long allocate(int bytes) {
    long struct = Native.allocate(bytes, ALIGNMENT);
    if (struct == 0) {
      throw new OutOfMemoryError("Cannot allocate an Arrow struct: the system has no memory left");
    }
    return struct;
  }
}
