package io.arrowtensor;

import java.io.Serializable;

/**
 * The execution stream on which a consumer will read device memory, as the array API's {@code
 * __dlpack__(stream=)} numbers it. Host memory has none.
 */
public final class Stream implements Serializable {
  private static final long serialVersionUID = 1;

  /** No stream: host memory, or the producer's default. */
  public static final Stream NONE = new Stream("none", 0);

  /** The legacy default stream of CUDA (1) or the default stream of ROCm (0). */
  public static final Stream DEFAULT = new Stream("default", 1);

  /**
   * CUDA's default stream of the calling thread (2). Memory that waits for it must become an array
   * on the thread that gave it the work; the array waits for that work on any thread.
   */
  public static final Stream PER_THREAD = new Stream("per-thread", 2);

  /** The producer shall not synchronize (-1): the consumer orders its reads itself. */
  public static final Stream NO_SYNC = new Stream("no-sync", -1);

  private final String kind;
  private final long handle;

  private Stream(String kind, long handle) {
    this.kind = kind;
    this.handle = handle;
  }

  /**
   * The stream of this native handle. CUDA's 0 is ambiguous and disallowed by the array API; 1, 2
   * and -1 have names here.
   *
   * @throws IllegalArgumentException for a handle less than 3
   */
  public static Stream ofHandle(long handle) {
    if (handle < 3) {
      throw new IllegalArgumentException(
          "Invalid stream handle "
              + handle
              + ": pass Stream.DEFAULT, Stream.PER_THREAD, Stream.NO_SYNC or a stream that you created");
    }
    return new Stream("handle", handle);
  }

  /**
   * The stream that the array API and the CUDA array interface number so for memory of {@code
   * type}: CUDA has 1 (default), 2 (per thread), ROCm 0 (default); -1 is {@link #NO_SYNC} and
   * anything larger a handle.
   *
   * @throws IllegalArgumentException for a number that is disallowed there
   */
  public static Stream of(long number, DeviceType type) {
    boolean rocm = type.equals(DeviceType.ROCM);
    if (number == -1) {
      return NO_SYNC;
    }
    if (number == (rocm ? 0 : 1)) {
      return DEFAULT;
    }
    if (number == 2 && !rocm) {
      return PER_THREAD;
    }
    if (number < 3) {
      throw new IllegalArgumentException(
          "Invalid stream "
              + number
              + " for "
              + type
              + ": expected -1, "
              + (rocm ? "0" : "1, 2")
              + " or the handle of a stream");
    }
    return new Stream("handle", number);
  }

  /**
   * CUDA's number of this stream in the array API, also for memory of ROCm, which has 0 for {@link
   * #DEFAULT} there; 0 for {@link #NONE}.
   */
  public long handle() {
    return handle;
  }

  /**
   * Checks that the stream makes sense for memory on {@code device}.
   *
   * @throws DeviceMismatchException for host memory with a stream
   */
  public void requireFor(Device device) {
    if (device.type().isHostAccessible() && !this.equals(NONE)) {
      throw new DeviceMismatchException(
          "Cannot use stream "
              + this
              + " with memory on "
              + device
              + ": host memory has no stream; leave Options.stream() at NONE");
    }
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Stream that && kind.equals(that.kind) && handle == that.handle;
  }

  @Override
  public int hashCode() {
    return kind.hashCode() * 31 + Long.hashCode(handle);
  }

  @Override
  public String toString() {
    return kind.equals("handle") ? "0x" + Long.toHexString(handle) : kind;
  }
}
