package io.arrowtensor.python;

import io.arrowtensor.Device;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.DeviceMismatchException;
import io.arrowtensor.DeviceType;
import io.arrowtensor.Stream;
import io.arrowtensor.UnsupportedTypeException;
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
   * Describes {@code array}, which must stay open while the description is used.
   *
   * @param stream that a consumer has to wait for, {@link Stream#NONE} when the memory is ready
   * @throws DeviceMismatchException for memory that CUDA does not know
   * @throws UnsupportedTypeException for element types that NumPy does not have
   */
  public static CudaArrayInterface of(DeviceArray array, Stream stream) {
    requireCuda(array.device());
    return new CudaArrayInterface(ArrayInterface.describe(array), stream);
  }

  /** As {@link #of(DeviceArray, Stream)}, with a mask where the column has nulls. */
  public static CudaArrayInterface of(DeviceColumn column, Stream stream) {
    requireCuda(column.values().device());
    return new CudaArrayInterface(ArrayInterface.describe(column), stream);
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
   * <p>Memory with a stream is handed out only to callers that are ordered behind it: {@code
   * Options.stream()} is that stream, or {@code NO_SYNC} by which they say that they order their
   * reads themselves.
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
    return new InterfaceSource(
        options -> parse(json).readable(device, options.stream()), device, release);
  }

  private static MaskedSource source(
      CudaArrayInterface description, Device device, @Nullable Runnable release) {
    return new InterfaceSource(
        options -> description.readable(device, options.stream()), device, release);
  }

  /** The description, for a consumer whose reads are ordered behind the producer's work. */
  private ArrayInterface readable(Device device, Stream consumer) {
    requireCuda(device);
    if (!stream.equals(Stream.NONE)
        && !stream.equals(consumer)
        && !consumer.equals(Stream.NO_SYNC)) {
      throw new DeviceMismatchException(
          "Cannot read memory that is written on stream "
              + stream
              + " from stream "
              + consumer
              + ": read on that stream (Options.withStream), or wait for it first and say so by"
              + " Options.withStream(Stream.NO_SYNC)");
    }
    return description;
  }

  /** The JSON form, compact; without {@code stream} where there is none to wait for. */
  public String toJson() {
    return InterfaceJson.write(
        description, stream.equals(Stream.NONE) ? "" : ",\"stream\":" + stream.handle());
  }
}
