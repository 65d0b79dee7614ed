package io.arrowtensor.internal;

import io.arrowtensor.Device;
import io.arrowtensor.DeviceMismatchException;
import io.arrowtensor.DeviceType;
import io.arrowtensor.Memory;
import io.arrowtensor.Ready;
import io.arrowtensor.Stream;
import java.util.List;
import java.util.ServiceLoader;
import org.jspecify.annotations.Nullable;

/** Finds the {@link DeviceBackend} of a device, and waits for memory through it. */
public final class Backends {
  // Looked up on first use: a class path without backends breaks the use, not this class.
  private static volatile @Nullable List<DeviceBackend> all;

  private Backends() {}

  /**
   * The backend of {@code type}. {@code verb} completes the sentence "Cannot ... {@code object}".
   *
   * @throws DeviceMismatchException when there is none
   */
  public static DeviceBackend of(DeviceType type, String verb, Object object) {
    for (DeviceBackend backend : all()) {
      if (backend.serves(type)) {
        return backend;
      }
    }
    throw new DeviceMismatchException(
        "Cannot "
            + verb
            + " "
            + object
            + ": this library has no backend for "
            + type
            + ", only for cuda and opencl; use that device's own library");
  }

  private static List<DeviceBackend> all() {
    List<DeviceBackend> found = all;
    if (found == null) {
      found =
          ServiceLoader.load(DeviceBackend.class, DeviceBackend.class.getClassLoader()).stream()
              .map(ServiceLoader.Provider::get)
              .toList();
      all = found;
    }
    return found;
  }

  /** The same memory, once it is ready: the host waits. */
  public static Memory awaited(Memory memory) {
    if (memory.ready().isNow()) {
      return memory;
    }
    Device device = memory.device();
    of(device.type(), "wait for memory on", device).await(device, memory.ready());
    return memory.withReady(Ready.NOW);
  }

  /**
   * The same memory, ready for a consumer on {@code stream}: its later work waits, the host does
   * not. {@link Stream#NONE} is the device's default stream; under {@link Stream#NO_SYNC} nothing
   * happens and the memory keeps what it waits for.
   */
  public static Memory ordered(Memory memory, Stream stream) {
    if (memory.ready().isNow() || stream.equals(Stream.NO_SYNC)) {
      return memory;
    }
    Device device = memory.device();
    of(device.type(), "order a stream after memory on", device)
        .order(device, memory.ready(), stream);
    return memory.withReady(Ready.NOW);
  }

  /**
   * The same memory, ready now or after an event: where it waits for a stream, an event is recorded
   * there, which lives as long as the result's owner. Takes over {@code memory}, also when it
   * fails.
   */
  public static Memory withEvent(Memory memory) {
    if (memory.ready().isNow() || memory.ready().event() != 0) {
      return memory;
    }
    try {
      Device device = memory.device();
      DeviceBackend backend = of(device.type(), "record an event for memory on", device);
      long event = backend.record(device, memory.ready());
      return memory
          .withReady(Ready.afterEvent(event))
          .withOwner(
              () -> Closing.all(List.of(() -> backend.destroy(device, event), memory::release)));
    } catch (RuntimeException | Error e) {
      memory.release();
      throw e;
    }
  }

  /** The device on which {@code address}, one of {@code type}'s, was allocated. */
  public static Device deviceOf(DeviceType type, long address) {
    return of(type, "find the device of", "0x" + Long.toHexString(address)).deviceOf(address);
  }
}
