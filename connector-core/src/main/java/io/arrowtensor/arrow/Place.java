package io.arrowtensor.arrow;

import io.arrowtensor.DType;
import io.arrowtensor.Device;
import io.arrowtensor.DeviceMismatchException;
import io.arrowtensor.DeviceType;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.InvalidStructException;
import io.arrowtensor.Memory;
import io.arrowtensor.Ready;
import io.arrowtensor.UnsupportedTypeException;
import io.arrowtensor.arrow.TakenStruct.Kind;
import io.arrowtensor.internal.Abi;
import io.arrowtensor.internal.Backends;
import io.arrowtensor.internal.Native;
import io.arrowtensor.internal.NativeBytes;
import io.arrowtensor.internal.Owner;
import io.arrowtensor.internal.RawMemory;
import java.util.LinkedHashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Where the buffers of an array are: the part of an {@code ArrowDeviceArray} that an {@code
 * ArrowArray} lacks.
 *
 * @param device of every buffer
 * @param ready when they may be read
 */
record Place(Device device, Ready ready) {
  /** What C Data arrays and vectors have. */
  static final Place HOST = new Place(Device.CPU, Ready.NOW);

  /** Arrow's id of plain host memory, where DLPack has 0. */
  private static final int CPU_ID = -1;

  /** The interface names these as devices whose memory is always ready. */
  private static final Set<DeviceType> ALWAYS_READY =
      Set.of(DeviceType.CPU, DeviceType.VPI, DeviceType.WEB_GPU, DeviceType.HEXAGON);

  /**
   * Those whose {@code sync_event} points at a handle as wide as a pointer: {@code cudaEvent_t},
   * {@code hipEvent_t}, {@code cl_event}, {@code VkEvent}.
   */
  private static final Set<DeviceType> HANDLES =
      Set.of(
          DeviceType.CUDA,
          DeviceType.CUDA_HOST,
          DeviceType.CUDA_MANAGED,
          DeviceType.ROCM,
          DeviceType.ROCM_HOST,
          DeviceType.OPENCL,
          DeviceType.VULKAN);

  /** The place of a taken array of either kind. Waits for memory that the host can reach. */
  static Place of(TakenStruct array) {
    if (array.kind != Kind.DEVICE_ARRAY) {
      return HOST;
    }
    Place place = read(array.address);
    if (place.device.type().isHostAccessible()) {
      Backends.awaited(place.nothing());
      return new Place(place.device, Ready.NOW);
    }
    return place;
  }

  /**
   * The place of an export: the one device of all its buffers; the host where it can reach them
   * all, though they are of several kinds.
   *
   * @throws DeviceMismatchException for buffers on several devices
   */
  static Place of(ExportNode node) {
    Set<Device> devices = new LinkedHashSet<>();
    Set<Ready> waits = new LinkedHashSet<>();
    node.forEachBuffer(
        buffer -> {
          devices.add(buffer.device());
          waits.add(buffer.ready());
        });
    if (devices.size() == 1) {
      return oneOf(devices.iterator().next(), waits);
    }
    if (!devices.stream().allMatch(device -> device.type().isHostAccessible())) {
      throw new DeviceMismatchException(
          "Cannot export "
              + node.label()
              + " as one ArrowDeviceArray: its buffers are on "
              + devices
              + "; transfer them to one device, or export each column on its own");
    }
    return HOST;
  }

  /** The interface has one event for all buffers; where there are more, the host waits. */
  private static Place oneOf(Device device, Set<Ready> waits) {
    waits.remove(Ready.NOW);
    if (waits.size() == 1) {
      return new Place(device, waits.iterator().next());
    }
    for (Ready ready : waits) {
      Backends.awaited(new Place(device, ready).nothing());
    }
    return new Place(device, Ready.NOW);
  }

  /**
   * The host, where all buffers of {@code node} must be.
   *
   * @throws DeviceMismatchException naming the ways out: a transfer, or {@link CDevice}
   */
  static Place ofHost(ExportNode node) {
    node.forEachBuffer(
        buffer -> buffer.device().requireHostAccessible("export as C Data (CDevice can)"));
    return HOST;
  }

  /** The reserved bytes must be 0, but PyArrow 26 leaves in them what it found there. */
  private static Place read(long struct) {
    int type = RawMemory.intAt(struct + Abi.DeviceArray.DEVICE_TYPE);
    require(type > 0, "device_type " + type);
    Device device =
        device(new DeviceType(type), RawMemory.longAt(struct + Abi.DeviceArray.DEVICE_ID));
    long event = RawMemory.longAt(struct + Abi.DeviceArray.SYNC_EVENT);
    return new Place(device, event == 0 ? Ready.NOW : Ready.afterEvent(handle(event, device)));
  }

  /** What {@code sync_event} points at, read only where that is known to be one handle. */
  private static long handle(long event, Device device) {
    String what = "sync_event 0x" + Long.toHexString(event) + " of memory on " + device;
    require(!ALWAYS_READY.contains(device.type()), what + ", which has none");
    if (!HANDLES.contains(device.type())) {
      throw new UnsupportedTypeException(
          "Cannot take an ArrowDeviceArray with "
              + what
              + ": what it points at is not known here; have its producer wait for the memory and"
              + " leave sync_event null");
    }
    return RawMemory.longAt(event);
  }

  /** No memory at this place, for what concerns readiness alone. */
  private Memory nothing() {
    return Memory.borrow(0, DType.UINT8, 0).withDevice(device).withReady(ready);
  }

  private static Device device(DeviceType type, long id) {
    boolean host = type.isHostAccessible();
    boolean cpu = type.equals(DeviceType.CPU);
    require(
        id >= (host ? CPU_ID : 0) && id <= (cpu ? 0 : Integer.MAX_VALUE),
        "device_id " + id + " of device type " + type);
    return new Device(type, (int) Math.max(0, id));
  }

  private static void require(boolean holds, String what) {
    if (!holds) {
      throw new InvalidStructException("Invalid ArrowDeviceArray: " + what);
    }
  }

  /** What the struct's event is to point at; null when the memory is ready. */
  @Nullable EventSlot event() {
    return ready.isNow() ? null : new EventSlot(Backends.withEvent(nothing()));
  }

  /** Writes the fields behind the array, all of which are 0. */
  void write(long struct, @Nullable EventSlot event) {
    boolean cpu = device.equals(Device.CPU);
    RawMemory.putLong(struct + Abi.DeviceArray.DEVICE_ID, cpu ? CPU_ID : device.id());
    RawMemory.putInt(struct + Abi.DeviceArray.DEVICE_TYPE, device.type().code());
    RawMemory.putLong(struct + Abi.DeviceArray.SYNC_EVENT, event == null ? 0 : event.address);
  }

  /** The event's handle in native memory, and the right to destroy an event that is ours. */
  static final class EventSlot extends Owner {
    final long address;
    private final Memory waiting;

    private EventSlot(Memory waiting) {
      this.waiting = waiting;
      this.address = Native.allocate(Long.BYTES, Long.BYTES);
      if (address == 0) {
        waiting.release();
        throw new InterchangeException("Cannot hold an event: the system has no memory left");
      }
      NativeBytes.add(Long.BYTES);
      RawMemory.putLong(address, waiting.ready().event());
    }

    @Override
    protected void free() {
      Native.free(address);
      NativeBytes.add(-Long.BYTES);
      waiting.release();
    }
  }
}
