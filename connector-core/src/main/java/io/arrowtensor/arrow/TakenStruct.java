package io.arrowtensor.arrow;

import io.arrowtensor.InterchangeException;
import io.arrowtensor.InvalidStructException;
import io.arrowtensor.internal.Abi;
import io.arrowtensor.internal.Native;
import io.arrowtensor.internal.NativeBytes;
import io.arrowtensor.internal.Owner;
import io.arrowtensor.internal.RawMemory;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/** A C struct in memory of ours; its release callback runs once, with the last reference. */
final class TakenStruct extends Owner {
  /** The structs that have a release callback. */
  enum Kind {
    SCHEMA("ArrowSchema", Abi.Schema.SIZE, Abi.Schema.RELEASE),
    ARRAY("ArrowArray", Abi.Array.SIZE, Abi.Array.RELEASE),
    DEVICE_ARRAY("ArrowDeviceArray", Abi.DeviceArray.SIZE, Abi.Array.RELEASE),
    STREAM("ArrowArrayStream", Abi.ArrayStream.SIZE, Abi.ArrayStream.RELEASE),
    DEVICE_STREAM(
        "ArrowDeviceArrayStream",
        Abi.DeviceArrayStream.SIZE,
        Abi.DeviceArrayStream.STREAM + Abi.ArrayStream.RELEASE);

    final String type;
    final int size;
    private final int release;

    Kind(String type, int size, int release) {
      this.type = type;
      this.size = size;
      this.release = release;
    }

    /** Checks what can be checked about the address of a struct. */
    void requireAddress(long struct) {
      if (struct == 0 || (struct & 7) != 0) {
        throw new InvalidStructException(
            "Invalid "
                + type
                + " address 0x"
                + Long.toHexString(struct)
                + ": expected a non-null, 8-byte aligned one");
      }
    }

    /** Calls the release callback of a struct, if it has one. */
    void release(long struct) {
      long function = RawMemory.longAt(struct + release);
      if (function != 0) {
        Native.call(function, struct, 0, 0, 0, 0, 0);
      }
    }
  }

  final Kind kind;
  final long address;

  private TakenStruct(Kind kind, long address) {
    this.kind = kind;
    this.address = address;
    NativeBytes.add(kind.size);
  }

  /** Moves the struct at {@code source}, which is marked released. */
  static TakenStruct move(Kind kind, long source) {
    kind.requireAddress(source);
    if (RawMemory.longAt(source + kind.release) == 0) {
      throw new InvalidStructException(
          "Cannot take a released " + kind.type + ": its release callback is null");
    }
    long target = Native.allocate(kind.size, 16);
    if (target == 0) {
      kind.release(source);
      throw noMemory(kind);
    }
    for (int word = 0; word < kind.size; word += Long.BYTES) {
      RawMemory.putLong(target + word, RawMemory.longAt(source + word));
    }
    RawMemory.putLong(source + kind.release, 0);
    return new TakenStruct(kind, target);
  }

  /**
   * What {@code producer} writes into a zeroed struct; null when that is a released struct. When
   * the producer throws, the struct's contents mean nothing.
   */
  static @Nullable TakenStruct filled(Kind kind, LongConsumer producer) {
    long target = Native.allocate(kind.size, 16);
    if (target == 0) {
      throw noMemory(kind);
    }
    boolean filled = false;
    try {
      RawMemory.fill(target, kind.size, (byte) 0);
      producer.accept(target);
      filled = RawMemory.longAt(target + kind.release) != 0;
    } finally {
      if (!filled) {
        Native.free(target);
      }
    }
    return filled ? new TakenStruct(kind, target) : null;
  }

  private static InterchangeException noMemory(Kind kind) {
    return new InterchangeException(
        "Cannot take an " + kind.type + ": the system has no memory left");
  }

  @Override
  protected void free() {
    kind.release(address);
    Native.free(address);
    NativeBytes.add(-kind.size);
  }
}
