package io.arrowtensor.internal;

import io.arrowtensor.Device;

/** What a scheduler of resources says of the GPU that a task may use. */
public final class AssignedDevice {
  private AssignedDevice() {}

  /**
   * The CUDA device with the first number among {@code indexes}, as its driver counts them in this
   * process; {@link Device#CPU} where there is none. Other names, such as UUIDs, are passed over.
   */
  public static Device of(Iterable<String> indexes) {
    for (String index : indexes) {
      if (index.matches("[0-9]{1,4}")) {
        return Device.cuda(Integer.parseInt(index));
      }
    }
    return Device.CPU;
  }
}
