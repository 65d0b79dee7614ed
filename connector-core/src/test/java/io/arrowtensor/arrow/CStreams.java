package io.arrowtensor.arrow;

import io.arrowtensor.arrow.CStructs.Pair;
import io.arrowtensor.internal.Abi;
import io.arrowtensor.internal.RawMemory;
import io.arrowtensor.internal.TestNative;
import java.util.Arrays;

/** Hand-written C streams ({@code streams.c}), which say what a script says. */
final class CStreams {
  private static final String[] FUNCTIONS = {"_schema", "_next", "_last_error", "_release"};
  private static final int SCHEMA = 8;
  private static final int SCHEMA_ERROR = 16;
  private static final int NEXT_ERROR = 48;
  private static final int TEXT = 64;

  private CStreams() {}

  /**
   * A stream and what it counts.
   *
   * @param struct its address
   * @param callbacks where its functions lie
   * @param script what it plays
   */
  record Stream(long struct, long callbacks, long script) {
    long releases() {
      return RawMemory.longAt(script);
    }

    boolean isEmptied() {
      return RawMemory.longAt(callbacks + Abi.ArrayStream.RELEASE) == 0;
    }

    Stream failingSchema(int errno, long text) {
      RawMemory.putLong(script + SCHEMA_ERROR, errno);
      RawMemory.putLong(script + TEXT, text);
      return this;
    }

    Stream failingEnd(int errno, long text) {
      RawMemory.putLong(script + NEXT_ERROR, errno);
      RawMemory.putLong(script + TEXT, text);
      return this;
    }

    Stream without(int function) {
      RawMemory.putLong(callbacks + function, 0);
      return this;
    }

    Stream withoutSchema(CStructs structs) {
      RawMemory.putLong(script + SCHEMA, structs.zeroed(Abi.Schema.SIZE));
      return this;
    }
  }

  /** A stream of the pairs' arrays, with the first one's schema. */
  static Stream of(CStructs structs, Pair... pairs) {
    long struct = structs.zeroed(Abi.ArrayStream.SIZE);
    return fill(structs, struct, struct, "scripted", Abi.Array.SIZE, pairs);
  }

  /** The same on devices of {@code type}; the pairs' arrays are device arrays. */
  static Stream onDevice(CStructs structs, int type, Pair... pairs) {
    long struct = structs.zeroed(Abi.DeviceArrayStream.SIZE);
    RawMemory.putInt(struct + Abi.DeviceArrayStream.DEVICE_TYPE, type);
    long callbacks = struct + Abi.DeviceArrayStream.STREAM;
    return fill(structs, struct, callbacks, "scripted_device", Abi.DeviceArray.SIZE, pairs);
  }

  private static Stream fill(
      CStructs structs, long struct, long callbacks, String name, int arraySize, Pair... pairs) {
    long arrays = structs.longs(Arrays.stream(pairs).mapToLong(Pair::array).toArray());
    long script = structs.longs(0, pairs[0].schema(), 0, arrays, pairs.length, 0, 0, arraySize, 0);
    for (int i = 0; i < FUNCTIONS.length; i++) {
      RawMemory.putLong(callbacks + 8L * i, TestNative.function(name + FUNCTIONS[i]));
    }
    RawMemory.putLong(callbacks + Abi.ArrayStream.PRIVATE_DATA, script);
    return new Stream(struct, callbacks, script);
  }
}
