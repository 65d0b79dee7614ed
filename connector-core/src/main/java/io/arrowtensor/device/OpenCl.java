package io.arrowtensor.device;

import io.arrowtensor.Device;
import io.arrowtensor.DeviceMismatchException;
import io.arrowtensor.DeviceType;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * OpenCL 1.2 as its installable client driver loader exports it. The device {@code opencl:N} is the
 * N-th of all devices of all platforms, in the loader's order. Each gets a context and a queue on
 * first use, kept for the rest of the process. Safe from any thread.
 */
final class OpenCl {
  // CL/cl.h
  private static final long DEVICE_TYPE_ALL = 0xFFFFFFFFL;
  private static final int DEVICE_NOT_FOUND = -1;
  private static final int PLATFORM_NOT_FOUND_KHR = -1001;
  private static final Map<ForeignLibrary, OpenCl> LOADED = new ConcurrentHashMap<>();

  private final ForeignLibrary library;
  private final List<Long> devices = new ArrayList<>();
  private final Map<Integer, Own> own = new ConcurrentHashMap<>();

  /** A context and a queue of this library's own. */
  record Own(long context, long queue) {}

  private OpenCl(ForeignLibrary library) {
    this.library = library;
  }

  /**
   * OpenCL on this system.
   *
   * @throws DeviceMismatchException when there is none
   */
  static OpenCl require() {
    ForeignLibrary library =
        ForeignLibrary.open(
            "OpenCL",
            OpenClBackend.LIBRARY_PROPERTY,
            "libOpenCL.so.1",
            "install a loader and a driver, such as ocl-icd-libopencl1 and pocl-opencl-icd");
    OpenCl known = LOADED.get(library);
    if (known != null) {
      return known;
    }
    OpenCl found = new OpenCl(library);
    found.findDevices();
    if (!found.devices.isEmpty()) {
      LOADED.put(library, found);
    }
    return found;
  }

  private void findDevices() {
    try (Scratch count = Scratch.words(1)) {
      int status = (int) library.call("clGetPlatformIDs", 0, 0, count.address(0));
      if (status == PLATFORM_NOT_FOUND_KHR) {
        return;
      }
      check("clGetPlatformIDs", status);
      int platforms = count.intAt(0);
      try (Scratch ids = Scratch.words(platforms)) {
        run("clGetPlatformIDs", platforms, ids.address(0), 0);
        for (int p = 0; p < platforms; p++) {
          findDevices(ids.longAt(p), count);
        }
      }
    }
  }

  private void findDevices(long platform, Scratch count) {
    long all = DEVICE_TYPE_ALL;
    int status = (int) library.call("clGetDeviceIDs", platform, all, 0, 0, count.address(0));
    if (status == DEVICE_NOT_FOUND) {
      return;
    }
    check("clGetDeviceIDs", status);
    int found = count.intAt(0);
    try (Scratch ids = Scratch.words(found)) {
      run("clGetDeviceIDs", platform, all, found, ids.address(0), 0);
      for (int d = 0; d < found; d++) {
        devices.add(ids.longAt(d));
      }
    }
  }

  /** Calls a function that returns a status; none but CL_SUCCESS passes. */
  void run(String function, long... arguments) {
    check(function, (int) library.call(function, arguments));
  }

  private void check(String function, int status) {
    if (status != 0) {
      throw new DeviceMismatchException(
          "Cannot complete a call to OpenCL: "
              + function
              + " of "
              + library.name()
              + " failed with error "
              + status
              + " (CL/cl.h names it)");
    }
  }

  /** Calls a function that returns an object and writes its status to {@code status}. */
  long create(String function, Scratch status, long... arguments) {
    long object = library.call(function, arguments);
    check(function, status.intAt(0));
    return object;
  }

  /** A word that {@code function}, one of the clGet...Info, tells about {@code object}. */
  long info(String function, long object, int what) {
    try (Scratch out = Scratch.words(1)) {
      run(function, object, what, 8, out.address(0), 0);
      return out.longAt(0);
    }
  }

  /** This library's context and queue on {@code device}. */
  Own own(Device device) {
    Own known = own.get(device.id());
    if (known != null) {
      return known;
    }
    if (device.id() < 0 || device.id() >= devices.size()) {
      throw new DeviceMismatchException(
          "Cannot use "
              + device
              + ": this system has "
              + devices.size()
              + " OpenCL devices, from opencl:0 on");
    }
    long id = devices.get(device.id());
    try (Scratch status = Scratch.words(1);
        Scratch one = Scratch.of(id)) {
      long context =
          create("clCreateContext", status, 0, 1, one.address(0), 0, 0, status.address(0));
      Own made = new Own(context, newQueue(context, id));
      own.put(device.id(), made);
      return made;
    }
  }

  /** A new in-order queue; the caller releases it. */
  long newQueue(long context, long deviceId) {
    try (Scratch status = Scratch.words(1)) {
      return create("clCreateCommandQueue", status, context, deviceId, 0, status.address(0));
    }
  }

  /** The device with this {@code cl_device_id}. */
  Device device(long deviceId) {
    int index = devices.indexOf(deviceId);
    if (index < 0) {
      throw new DeviceMismatchException(
          "Cannot name the OpenCL device 0x"
              + Long.toHexString(deviceId)
              + ": it is a sub-device, or another library's than "
              + library.name());
    }
    return new Device(DeviceType.OPENCL, index);
  }
}
