package io.arrowtensor;

import java.io.Serializable;
import org.jspecify.annotations.Nullable;

/**
 * A kind of device, numbered as DLPack's {@code DLDeviceType} (1.3) and Arrow's C Device interface
 * number it. The set is open: a code that this release does not know is kept, printed and exported
 * unchanged.
 *
 * @param code the number in DLPack and C Device structs
 */
public record DeviceType(int code) implements Serializable {
  public static final DeviceType CPU = new DeviceType(1);
  public static final DeviceType CUDA = new DeviceType(2);
  public static final DeviceType CUDA_HOST = new DeviceType(3);
  public static final DeviceType OPENCL = new DeviceType(4);
  public static final DeviceType VULKAN = new DeviceType(7);
  public static final DeviceType METAL = new DeviceType(8);
  public static final DeviceType VPI = new DeviceType(9);
  public static final DeviceType ROCM = new DeviceType(10);
  public static final DeviceType ROCM_HOST = new DeviceType(11);
  public static final DeviceType EXT_DEV = new DeviceType(12);
  public static final DeviceType CUDA_MANAGED = new DeviceType(13);
  public static final DeviceType ONE_API = new DeviceType(14);
  public static final DeviceType WEB_GPU = new DeviceType(15);
  public static final DeviceType HEXAGON = new DeviceType(16);
  public static final DeviceType MAIA = new DeviceType(17);
  public static final DeviceType TRN = new DeviceType(18);

  private static final @Nullable String[] NAMES = {
    null,
    "cpu",
    "cuda",
    "cuda_host",
    "opencl",
    null,
    null,
    "vulkan",
    "metal",
    "vpi",
    "rocm",
    "rocm_host",
    "ext_dev",
    "cuda_managed",
    "oneapi",
    "webgpu",
    "hexagon",
    "maia",
    "trn"
  };

  /**
   * Whether the CPU can read and write this memory through its address: CPU, pinned and managed
   * memory.
   */
  public boolean isHostAccessible() {
    return code == 1 || code == 3 || code == 11 || code == 13;
  }

  /**
   * Whether the data pointer is an address to which an offset may be added. False where it is an
   * opaque handle (OpenCL, Vulkan, Metal, WebGPU) or where this release does not know the device;
   * there the byte offset is carried beside the handle.
   */
  public boolean isAddressable() {
    return isHostAccessible() || code == 2 || code == 10 || code == 14;
  }

  /** The usual lower-case name, {@code device_type(n)} for an unknown code. */
  @Override
  public String toString() {
    String name = code >= 0 && code < NAMES.length ? NAMES[code] : null;
    return name != null ? name : "device_type(" + code + ")";
  }
}
