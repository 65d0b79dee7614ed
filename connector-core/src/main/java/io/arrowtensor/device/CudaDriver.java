package io.arrowtensor.device;

import io.arrowtensor.Device;
import io.arrowtensor.DeviceMismatchException;
import io.arrowtensor.internal.RawMemory;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The CUDA driver API, by its exported names (cuda.h defines {@code cuMemAlloc} as {@code
 * cuMemAlloc_v2}). Each device's primary context, which the CUDA runtime and so every engine uses,
 * is retained on first use and for the rest of the process. Safe from any thread.
 */
final class CudaDriver {
  private static final int MAX_TEXT = 256;
  private static final Map<ForeignLibrary, CudaDriver> LOADED = new ConcurrentHashMap<>();

  private final ForeignLibrary library;
  private final Map<Integer, Long> contexts = new ConcurrentHashMap<>();

  private CudaDriver(ForeignLibrary library) {
    this.library = library;
  }

  /**
   * The driver of this system.
   *
   * @throws DeviceMismatchException when there is none, or it finds no device
   */
  static CudaDriver require() {
    ForeignLibrary library =
        ForeignLibrary.open(
            "the CUDA driver", CudaBackend.LIBRARY_PROPERTY, "libcuda.so.1", "install NVIDIA's");
    CudaDriver known = LOADED.get(library);
    if (known != null) {
      return known;
    }
    CudaDriver driver = new CudaDriver(library);
    driver.run("cuInit", 0);
    LOADED.put(library, driver);
    return driver;
  }

  /** Calls a function; no status but 0 passes. */
  void run(String function, long... arguments) {
    int status = (int) library.call(function, arguments);
    if (status != 0) {
      throw new DeviceMismatchException(
          "Cannot complete a call to CUDA: "
              + function
              + " of "
              + library.name()
              + " failed with "
              + errorName(status));
    }
  }

  private String errorName(int status) {
    try (Scratch out = Scratch.words(1)) {
      long unknown = library.call("cuGetErrorName", status, out.address(0));
      return (int) unknown == 0 && out.longAt(0) != 0
          ? RawMemory.cString(out.longAt(0), MAX_TEXT) + " (" + status + ")"
          : "error " + status;
    }
  }

  /** Runs {@code calls} with the device's primary context as the thread's current one. */
  void within(Device device, Runnable calls) {
    run("cuCtxPushCurrent_v2", context(device));
    try (Scratch out = Scratch.words(1)) {
      try {
        calls.run();
      } finally {
        library.call("cuCtxPopCurrent_v2", out.address(0));
      }
    }
  }

  /** The primary context of a device. */
  long context(Device device) {
    Long known = contexts.get(device.id());
    return known != null ? known : retained(device);
  }

  private long retained(Device device) {
    try (Scratch out = Scratch.words(3)) {
      run("cuDeviceGetCount", out.address(0));
      int count = out.intAt(0);
      if (device.id() < 0 || device.id() >= count) {
        throw new DeviceMismatchException(
            "Cannot use "
                + device
                + ": this system has "
                + count
                + " CUDA devices, from cuda:0 on");
      }
      run("cuDeviceGet", out.address(1), device.id());
      run("cuDevicePrimaryCtxRetain", out.address(2), out.intAt(1));
      contexts.put(device.id(), out.longAt(2));
      return out.longAt(2);
    }
  }
}
