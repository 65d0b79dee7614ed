package io.arrowtensor.device;

import io.arrowtensor.DType;
import io.arrowtensor.Device;
import io.arrowtensor.DeviceMismatchException;
import io.arrowtensor.DeviceType;
import io.arrowtensor.Memory;
import io.arrowtensor.Ready;
import io.arrowtensor.Stream;
import io.arrowtensor.internal.Closing;
import io.arrowtensor.internal.DeviceBackend;
import io.arrowtensor.internal.NativeBytes;
import io.arrowtensor.internal.Owner;
import io.arrowtensor.internal.Shapes;
import java.util.List;

/**
 * CUDA memory through the driver API. Used by {@code Options.withDevice(Device.cuda(id))}; there is
 * nothing to call here.
 */
public final class CudaBackend implements DeviceBackend {
  /** System property: the driver's library instead of {@code libcuda.so.1}. */
  public static final String LIBRARY_PROPERTY = "io.arrowtensor.cuda.library";

  // cuda.h
  private static final int POINTER_ATTRIBUTE_DEVICE_ORDINAL = 9;
  private static final int EVENT_DISABLE_TIMING = 2;
  private static final int MEMHOSTALLOC_PORTABLE = 1; // pinned for all contexts
  private static final long STREAM_LEGACY = 1;
  private static final long STREAM_PER_THREAD = 2;

  /** For the service loader. */
  public CudaBackend() {}

  @Override
  public boolean serves(DeviceType type) {
    return type.equals(DeviceType.CUDA)
        || type.equals(DeviceType.CUDA_HOST)
        || type.equals(DeviceType.CUDA_MANAGED);
  }

  @Override
  public Memory allocateFor(Memory source, Device target, Stream stream) {
    boolean pinned = target.type().equals(DeviceType.CUDA_HOST);
    if (!pinned && !isCuda(target)) {
      throw new DeviceMismatchException(
          "Cannot allocate memory on "
              + target
              + ": new CUDA memory is the device's, cuda:N, or pinned, cuda_host:N");
    }
    CudaDriver driver = CudaDriver.require();
    DType dtype = source.dtype();
    long[] shape = source.shape();
    long bytes = Math.max(1, Shapes.bytes(shape, dtype)); // 0 is an error to CUDA
    try (Scratch out = Scratch.words(1)) {
      driver.within(
          target,
          () -> {
            if (pinned) {
              driver.run("cuMemHostAlloc", out.address(0), bytes, MEMHOSTALLOC_PORTABLE);
            } else {
              driver.run("cuMemAlloc_v2", out.address(0), bytes);
            }
          });
      return Memory.borrow(out.longAt(0), dtype, shape)
          .withDevice(target)
          .withReadOnly(false)
          .withOwner(new Allocated(driver, target, out.longAt(0), bytes));
    }
  }

  @Override
  public void copy(Memory source, Memory target, Stream stream) {
    boolean fromDevice = isCuda(source.device());
    boolean toDevice = isCuda(target.device());
    if (fromDevice) {
      requireOn(source.device(), source.start());
    }
    Device where = fromDevice && !toDevice ? source.device() : target.device();
    waitOn(where, source.device(), source.ready(), stream);
    CudaDriver driver = CudaDriver.require();
    long queue = handle(stream);
    long from = source.start();
    long to = target.start();
    long bytes = source.nbytes();
    driver.within(
        where,
        () -> {
          if (!fromDevice && !toDevice) {
            driver.run("cuMemcpyAsync", to, from, bytes, queue); // the host's, to be pinned
          } else if (!fromDevice) {
            driver.run("cuMemcpyHtoDAsync_v2", to, from, bytes, queue);
          } else if (!toDevice) {
            driver.run("cuMemcpyDtoHAsync_v2", to, from, bytes, queue);
          } else if (source.device().equals(where)) {
            driver.run("cuMemcpyDtoDAsync_v2", to, from, bytes, queue);
          } else {
            long other = driver.context(source.device());
            driver.run("cuMemcpyPeerAsync", to, driver.context(where), from, other, bytes, queue);
          }
          driver.run("cuStreamSynchronize", queue);
        });
  }

  @Override
  public void order(Device device, Ready ready, Stream consumer) {
    waitOn(device, device, ready, consumer);
  }

  /** Makes {@code consumer}, a stream of {@code device}, wait for work on {@code producer}. */
  private void waitOn(Device device, Device producer, Ready ready, Stream consumer) {
    boolean sameStream =
        device.equals(producer)
            && handle(ready.stream()) == handle(consumer)
            && handle(consumer) != STREAM_PER_THREAD // two threads' are two streams
            && ready.event() == 0;
    if (ready.isNow() || sameStream) {
      return;
    }
    if (ready.event() != 0) {
      waitOn(device, ready.event(), consumer);
      return;
    }
    long event = record(producer, ready);
    try {
      waitOn(device, event, consumer);
    } finally {
      destroy(producer, event);
    }
  }

  private static void waitOn(Device device, long event, Stream consumer) {
    CudaDriver driver = CudaDriver.require();
    driver.within(device, () -> driver.run("cuStreamWaitEvent", handle(consumer), event, 0));
  }

  @Override
  public void await(Device device, Ready ready) {
    CudaDriver driver = CudaDriver.require();
    driver.within(
        device,
        () -> {
          if (ready.event() != 0) {
            driver.run("cuEventSynchronize", ready.event());
          } else {
            driver.run("cuStreamSynchronize", handle(ready.stream()));
          }
        });
  }

  @Override
  public long record(Device device, Ready ready) {
    CudaDriver driver = CudaDriver.require();
    try (Scratch out = Scratch.words(1)) {
      driver.within(
          device, () -> driver.run("cuEventCreate", out.address(0), EVENT_DISABLE_TIMING));
      long event = out.longAt(0);
      try {
        driver.within(device, () -> driver.run("cuEventRecord", event, handle(ready.stream())));
      } catch (RuntimeException | Error e) {
        Closing.quietly(e, List.of(() -> destroy(device, event)));
        throw e;
      }
      return event;
    }
  }

  @Override
  public void destroy(Device device, long event) {
    CudaDriver driver = CudaDriver.require();
    driver.within(device, () -> driver.run("cuEventDestroy_v2", event));
  }

  @Override
  public Device deviceOf(long address) {
    return deviceOf(Device.cuda(0), address);
  }

  /** Asks in the context of {@code device}: another one's would be created for nothing. */
  private static Device deviceOf(Device device, long address) {
    CudaDriver driver = CudaDriver.require();
    int ordinal = POINTER_ATTRIBUTE_DEVICE_ORDINAL;
    try (Scratch out = Scratch.words(1)) {
      driver.within(
          device, () -> driver.run("cuPointerGetAttribute", out.address(0), ordinal, address));
      return Device.cuda(out.intAt(0));
    }
  }

  /** A wrong device in a struct must not become a fault that spoils the whole context. */
  private static void requireOn(Device device, long address) {
    Device actual = deviceOf(device, address);
    if (!actual.equals(device)) {
      throw new DeviceMismatchException(
          "Cannot copy memory at 0x%x as %s: CUDA says it is %s's"
              .formatted(address, device, actual));
    }
  }

  private static boolean isCuda(Device device) {
    return device.type().equals(DeviceType.CUDA);
  }

  private static long handle(Stream stream) {
    boolean named = !stream.equals(Stream.NONE) && !stream.equals(Stream.NO_SYNC);
    return named ? stream.handle() : STREAM_LEGACY;
  }

  /** Memory of {@code cuMemAlloc} or {@code cuMemHostAlloc}. */
  private static final class Allocated extends Owner {
    private final CudaDriver driver;
    private final Device device;
    private final long address;
    private final long bytes;

    Allocated(CudaDriver driver, Device device, long address, long bytes) {
      this.driver = driver;
      this.device = device;
      this.address = address;
      this.bytes = bytes;
      NativeBytes.add(bytes);
    }

    @Override
    protected void free() {
      NativeBytes.add(-bytes);
      String function = isCuda(device) ? "cuMemFree_v2" : "cuMemFreeHost";
      driver.within(device, () -> driver.run(function, address));
    }
  }
}
