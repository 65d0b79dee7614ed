package io.arrowtensor.flink;

import io.arrowtensor.Device;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.Options;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.internal.Closing;
import java.util.ArrayList;
import java.util.List;

/** Adds what went to the task's device and came back. */
final class Moved extends Sum {
  private static final long serialVersionUID = 1;

  @Override
  public OwnedBatch apply(DeviceBatch batch) throws Exception {
    Device device = context.device();
    if (device.equals(Device.CPU)) {
      throw new IllegalStateException("no device is assigned to " + context.task());
    }
    List<DeviceColumn> back = new ArrayList<>();
    try {
      for (DeviceColumn column : batch.columns()) {
        back.add(DeviceColumn.of(column.name(), moved(column.values(), device)));
      }
    } catch (RuntimeException | Error e) {
      Closing.quietly(e, back);
      throw e;
    }
    try (OwnedBatch there = OwnedBatch.of(batch.rowCount(), back)) {
      return super.apply(there);
    }
  }

  private DeviceArray moved(DeviceArray values, Device device) {
    Options there = Options.defaults().withDevice(device);
    try (DeviceArray onDevice = DeviceArray.from(values, there)) {
      context.count(onDevice.outcome());
      return DeviceArray.from(onDevice, there.withDevice(Device.CPU));
    }
  }
}
