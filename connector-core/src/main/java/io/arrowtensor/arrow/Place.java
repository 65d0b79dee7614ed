package io.arrowtensor.arrow;

import io.arrowtensor.Device;
import io.arrowtensor.DeviceMismatchException;
import io.arrowtensor.DeviceType;
import io.arrowtensor.InvalidStructException;
import io.arrowtensor.arrow.TakenStruct.Kind;
import io.arrowtensor.internal.Abi;
import io.arrowtensor.internal.RawMemory;
import java.util.LinkedHashSet;
import java.util.Set;

/**
 * Where the buffers of an array are: the part of an {@code ArrowDeviceArray} that an {@code
 * ArrowArray} lacks.
 *
 * @param device of every buffer
 */
record Place(Device device) {
  /** What C Data arrays and vectors have. */
  static final Place HOST = new Place(Device.CPU);

  /** Arrow's id of plain host memory, where DLPack has 0. */
  private static final int CPU_ID = -1;

  /** The place of a taken array of either kind. */
  static Place of(TakenStruct array) {
    return array.kind == Kind.DEVICE_ARRAY ? read(array.address) : HOST;
  }

  /**
   * The place of an export: the one device of all its buffers; the host where it can reach them
   * all, though they are of several kinds.
   *
   * @throws DeviceMismatchException for buffers on several devices
   */
  static Place of(ExportNode node) {
    Set<Device> devices = new LinkedHashSet<>();
    node.forEachBuffer(buffer -> devices.add(buffer.device()));
    if (devices.size() == 1) {
      return new Place(devices.iterator().next());
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

  /**
   * The host, where all buffers of {@code node} must be.
   *
   * @throws DeviceMismatchException naming the ways out
   */
  static Place ofHost(ExportNode node) {
    node.forEachBuffer(
        buffer -> {
          if (!buffer.device().type().isHostAccessible()) {
            throw new DeviceMismatchException(
                "Cannot export memory on "
                    + buffer.device()
                    + " through the C Data Interface, which is for the host: transfer it first,"
                    + " or export it with CDevice");
          }
        });
    return HOST;
  }

  private static Place read(long struct) {
    int type = RawMemory.intAt(struct + Abi.DeviceArray.DEVICE_TYPE);
    require(type > 0, "device_type " + type);
    Device device =
        device(new DeviceType(type), RawMemory.longAt(struct + Abi.DeviceArray.DEVICE_ID));
    for (int at = Abi.DeviceArray.RESERVED; at < Abi.DeviceArray.SIZE; at += Long.BYTES) {
      long reserved = RawMemory.longAt(struct + at);
      require(
          reserved == 0,
          "reserved bytes 0x"
              + Long.toHexString(reserved)
              + ", which this version of the interface sets to 0");
    }
    long event = RawMemory.longAt(struct + Abi.DeviceArray.SYNC_EVENT);
    require(
        event == 0 || hasEvents(device.type()),
        "sync_event 0x" + Long.toHexString(event) + " of memory on " + device + ", which has none");
    return new Place(device);
  }

  private static Device device(DeviceType type, long id) {
    boolean host = type.isHostAccessible();
    boolean cpu = type.equals(DeviceType.CPU);
    require(
        id >= (host ? CPU_ID : 0) && id <= (cpu ? 0 : Integer.MAX_VALUE),
        "device_id " + id + " of device type " + type);
    return new Device(type, (int) Math.max(0, id));
  }

  /** The interface names these as devices whose memory is always ready. */
  private static boolean hasEvents(DeviceType type) {
    return !(type.equals(DeviceType.CPU)
        || type.equals(DeviceType.VPI)
        || type.equals(DeviceType.WEB_GPU)
        || type.equals(DeviceType.HEXAGON));
  }

  private static void require(boolean holds, String what) {
    if (!holds) {
      throw new InvalidStructException("Invalid ArrowDeviceArray: " + what);
    }
  }

  /** Writes the fields behind the array, all of which are 0. */
  void write(long struct) {
    boolean cpu = device.equals(Device.CPU);
    RawMemory.putLong(struct + Abi.DeviceArray.DEVICE_ID, cpu ? CPU_ID : device.id());
    RawMemory.putInt(struct + Abi.DeviceArray.DEVICE_TYPE, device.type().code());
  }
}
