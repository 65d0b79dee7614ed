package io.arrowtensor.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import io.arrowtensor.DType;
import io.arrowtensor.Device;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceMismatchException;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;
import io.arrowtensor.Stream;
import io.arrowtensor.internal.RawMemory;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * What an engine does with CUDA, by calls of its own to the real driver: streams, work that begins
 * when a gate is opened, and reads that do not go through the code under test.
 */
final class CudaEngine implements AutoCloseable {
  static final Device DEVICE = Device.cuda(0);

  // cuda.h
  private static final int NON_BLOCKING = 1; // apart from the default stream, as engines' are
  private static final int PORTABLE_AND_MAPPED = 3;
  private static final int ATTACH_GLOBAL = 1;
  private static final int DISABLE_TIMING = 2;
  private static final int NOT_READY = 600;

  private final CudaDriver cuda = CudaDriver.require();
  private final List<Runnable> endings = new ArrayList<>();
  private final long gate = pinned(8);

  /** Skips the tests where there is no CUDA; any other failure is one of the tests. */
  static void requireADevice() {
    try {
      CudaDriver.require().context(DEVICE);
    } catch (DeviceMismatchException e) {
      String message = String.valueOf(e.getMessage());
      if (!message.startsWith("Cannot open the CUDA driver: ")
          && !message.endsWith("failed with CUDA_ERROR_NO_DEVICE (100)")) {
        throw e;
      }
      String why = "CUDA's real driver is not tested: " + message;
      System.err.println(why);
      abort(why);
    }
  }

  /** The bytes 0 to {@code size} - 1, modulo 256, on the device. */
  static DeviceArray counting(int size) {
    return counting(size, Options.defaults().withDevice(DEVICE));
  }

  static DeviceArray counting(int size, Options options) {
    try (DeviceArray host = DeviceArray.from(Memory.allocate(DType.UINT8, size))) {
      ByteBuffer bytes = host.byteBuffer();
      for (int i = 0; i < size; i++) {
        bytes.put(i, (byte) i);
      }
      return DeviceArray.from(host, options);
    }
  }

  Stream stream() {
    long handle = made("cuStreamCreate", NON_BLOCKING);
    endings.add(() -> run("cuStreamDestroy_v2", handle));
    return Stream.ofHandle(handle);
  }

  /** Work on {@code stream}: fills the array with a byte once {@link #open} is called. */
  void fillLater(Stream stream, DeviceArray array, int value) {
    run("cuStreamWaitValue32_v2", stream.handle(), gate, 1, 0);
    fill(stream, array, value);
  }

  void fill(Stream stream, DeviceArray array, int value) {
    run("cuMemsetD8Async", array.address(), value, array.nbytes(), stream.handle());
  }

  /** Lets all work go on. */
  void open() {
    RawMemory.putInt(gate, 1);
  }

  /** Whether all work on {@code stream} has ended. */
  boolean isIdle(Stream stream) {
    try {
      run("cuStreamQuery", stream.handle());
      return true;
    } catch (DeviceMismatchException e) {
      assertThat(e).hasMessageEndingWith("failed with CUDA_ERROR_NOT_READY (" + NOT_READY + ")");
      return false;
    }
  }

  void finish(Stream stream) {
    run("cuStreamSynchronize", stream.handle());
  }

  /** An event that happens after the work of {@code stream} so far. */
  long event(Stream stream) {
    long event = made("cuEventCreate", DISABLE_TIMING);
    run("cuEventRecord", event, stream.handle());
    endings.add(() -> run("cuEventDestroy_v2", event));
    return event;
  }

  /** The byte at {@code index} when all work that was begun on other streams is left alone. */
  byte peek(DeviceArray array, long index) {
    try (Scratch out = Scratch.words(1)) {
      run("cuMemcpyDtoH_v2", out.address(0), array.address() + array.byteOffset() + index, 1);
      return RawMemory.byteAt(out.address(0));
    }
  }

  /** Host memory that the device reaches. */
  long pinned(long bytes) {
    long address = made("cuMemHostAlloc", bytes, PORTABLE_AND_MAPPED);
    RawMemory.fill(address, bytes, (byte) 0);
    endings.add(() -> run("cuMemFreeHost", address));
    return address;
  }

  /** Memory that moves to whoever reads it. */
  long managed(long bytes) {
    long address = made("cuMemAllocManaged", bytes, ATTACH_GLOBAL);
    endings.add(() -> run("cuMemFree_v2", address));
    return address;
  }

  /** The device's bytes that nobody has. */
  long freeBytes() {
    try (Scratch out = Scratch.words(2)) {
      run("cuMemGetInfo_v2", out.address(0), out.address(1));
      return out.longAt(0);
    }
  }

  /** What {@code function} makes; its first argument says where to. */
  private long made(String function, long... arguments) {
    try (Scratch out = Scratch.words(1)) {
      long[] all = new long[arguments.length + 1];
      all[0] = out.address(0);
      System.arraycopy(arguments, 0, all, 1, arguments.length);
      run(function, all);
      return out.longAt(0);
    }
  }

  private void run(String function, long... arguments) {
    cuda.within(DEVICE, () -> cuda.run(function, arguments));
  }

  @Override
  public void close() {
    open();
    run("cuCtxSynchronize");
    for (int i = endings.size() - 1; i >= 0; i--) {
      endings.get(i).run();
    }
  }
}
