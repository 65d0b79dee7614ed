package io.arrowtensor.python;

import io.arrowtensor.Device;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.DeviceMismatchException;
import io.arrowtensor.DeviceType;
import io.arrowtensor.Ready;
import io.arrowtensor.Stream;
import io.arrowtensor.UnsupportedTypeException;
import io.arrowtensor.internal.Backends;
import org.jspecify.annotations.Nullable;

/**
 * Numba's {@code __cuda_array_interface__}, version 3 (versions 1 and 2 are read too), and its JSON
 * form: an {@link ArrayInterface} whose address CUDA devices can use, and the stream on which its
 * memory is written. It neither names a device nor keeps the memory alive: what is described must
 * stay open for as long as the description, the JSON or anything made of them is used.
 *
 * @param description shape, type, address, strides and mask; the address is 0 for no elements
 * @param stream on which the producer's work is ordered: a consumer reads on that stream or waits
 *     for it first; {@link Stream#NONE} when the memory is ready
 */
public record CudaArrayInterface(ArrayInterface description, Stream stream) {
  /** Checks the stream. */
  public CudaArrayInterface {
    if (stream.equals(Stream.NO_SYNC)) {
      throw new IllegalArgumentException(
          "Invalid stream no-sync of a CUDA array interface: name the stream of the producer's"
              + " work, or Stream.NONE when there is none to wait for");
    }
  }

  /**
   * Reads the JSON form, as {@link ArrayInterface#parse} with {@code stream}.
   *
   * @throws io.arrowtensor.InvalidStructException for text that is no such description, stream 0
   *     included
   */
  public static CudaArrayInterface parse(String json) {
    return InterfaceJson.parseCuda(json);
  }

  /**
   * Describes {@code array}, which must stay open while the description is used. The stream is that
   * of {@link DeviceArray#ready()}; for an event, which the interface cannot carry, the host waits.
   *
   * @throws DeviceMismatchException for memory that CUDA does not know
   * @throws UnsupportedTypeException for element types that NumPy does not have
   */
  public static CudaArrayInterface of(DeviceArray array) {
    requireCuda(array.device());
    return new CudaArrayInterface(ArrayInterface.describe(array), stream(array, Stream.NONE));
  }

  /** As {@link #of(DeviceArray)}, with a mask where the column has nulls. */
  public static CudaArrayInterface of(DeviceColumn column) {
    requireCuda(column.values().device());
    ArrayInterface described = ArrayInterface.describe(column);
    DeviceArray validity = column.validity();
    Stream stream =
        validity == null ? Stream.NONE : stream(validity, column.values().ready().stream());
    return new CudaArrayInterface(described, stream(column.values(), stream));
  }

  /**
   * The stream on which {@code array} is written: its own, or none that a consumer has to wait for
   * where the host did, because {@code other}, the stream of another part, is to be named.
   */
  private static Stream stream(DeviceArray array, Stream other) {
    Ready ready = array.ready();
    if (ready.isNow()) {
      return other;
    }
    if (ready.event() == 0 && (other.equals(Stream.NONE) || other.equals(ready.stream()))) {
      return ready.stream();
    }
    Backends.of(array.device().type(), "wait for memory on", array.device())
        .await(array.device(), ready);
    return other;
  }

  private static void requireCuda(Device device) {
    DeviceType type = device.type();
    boolean cuda =
        type.equals(DeviceType.CUDA)
            || type.equals(DeviceType.CUDA_MANAGED)
            || type.equals(DeviceType.CUDA_HOST);
    if (!cuda) {
      throw new DeviceMismatchException(
          "Cannot describe memory on "
              + device
              + " by __cuda_array_interface__: CUDA does not know it; transfer it with"
              + " Options.withDevice(Device.cuda(id)), or use ArrayInterface for host memory");
    }
  }

  /**
   * Borrows what {@code json} describes. The caller guarantees that the memory outlives the array
   * and all exports of it.
   *
   * <p>The array is {@linkplain DeviceArray#ready() ready} after the stream's work: exports and
   * copies of it wait for that. For memory that the host can reach the host waits at once.
   *
   * @param device where the memory lives, which the interface does not say; usually {@code
   *     Device.cuda(0)}
   */
  public static MaskedSource borrow(String json, Device device) {
    return source(json, device, null);
  }

  /**
   * As {@link #borrow(String, Device)}; {@code release} runs exactly once, on the thread that
   * closes the array or drops its last export, or at once when the array cannot be made.
   */
  public static MaskedSource borrow(String json, Device device, Runnable release) {
    return source(json, device, release);
  }

  /** As {@link #borrow(String, Device)}. */
  public static MaskedSource borrow(CudaArrayInterface description, Device device) {
    return source(description, device, null);
  }

  /** As {@link #borrow(String, Device, Runnable)}. */
  public static MaskedSource borrow(
      CudaArrayInterface description, Device device, Runnable release) {
    return source(description, device, release);
  }

  private static MaskedSource source(String json, Device device, @Nullable Runnable release) {
    return new InterfaceSource(() -> parse(json).on(device), device, release);
  }

  private static MaskedSource source(
      CudaArrayInterface description, Device device, @Nullable Runnable release) {
    return new InterfaceSource(() -> description.on(device), device, release);
  }

  private CudaArrayInterface on(Device device) {
    requireCuda(device);
    return this;
  }

  /** The JSON form, compact; without {@code stream} where there is none to wait for. */
  public String toJson() {
    return InterfaceJson.write(
        description, stream.equals(Stream.NONE) ? "" : ",\"stream\":" + stream.handle());
  }
}
