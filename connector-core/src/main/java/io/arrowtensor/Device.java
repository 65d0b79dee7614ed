package io.arrowtensor;

import java.io.Serializable;

/**
 * Where memory lives: a device type and the index of the device among those of its type.
 *
 * @param type the kind of device
 * @param id index of the device; 0 for plain host memory, as DLPack has it (Arrow's C Device
 *     interface writes -1 there)
 */
public record Device(DeviceType type, int id) implements Serializable {
  /** Plain host memory. */
  public static final Device CPU = new Device(DeviceType.CPU, 0);

  /** The device {@code cuda:id}. */
  public static Device cuda(int id) {
    return new Device(DeviceType.CUDA, id);
  }

  /**
   * Checks that the host can read memory on this device. {@code verb} completes the sentence
   * "Cannot ... ".
   *
   * @throws DeviceMismatchException telling how to ask for a transfer
   */
  public void requireHostAccessible(String verb) {
    if (!type.isHostAccessible()) {
      throw new DeviceMismatchException(
          "Cannot "
              + verb
              + " memory on "
              + this
              + ": the host cannot reach it; transfer it first, with"
              + " DeviceArray.from(array, Options.defaults().withDevice(Device.CPU))");
    }
  }

  /** {@code cpu}, {@code cuda:1}, ... */
  @Override
  public String toString() {
    return this.equals(CPU) ? "cpu" : type + ":" + id;
  }
}
