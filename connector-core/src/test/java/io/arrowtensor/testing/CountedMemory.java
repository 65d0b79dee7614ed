package io.arrowtensor.testing;

import io.arrowtensor.DType;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.Memory;
import io.arrowtensor.internal.Native;
import io.arrowtensor.internal.NativeBytes;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Native memory that counts how often it is released, for the Python suite. The first release frees
 * it; it counts as held ({@link NativeBytes}) until then.
 */
public final class CountedMemory implements Runnable {
  private final long address;
  private final long bytes;
  private final AtomicInteger releases = new AtomicInteger();
  private final CountDownLatch released = new CountDownLatch(1);
  private volatile String thread = "";

  /** Zeroed memory is not promised; {@code bytes} may be 0. */
  public CountedMemory(long bytes) {
    this.bytes = bytes;
    this.address = Native.allocate(Math.max(bytes, 1), 64);
    if (address == 0) {
      throw new OutOfMemoryError("No " + bytes + " bytes for a test");
    }
    NativeBytes.add(bytes);
  }

  public long address() {
    return address;
  }

  /** A view of this memory, which owns it: to be called once. */
  public DeviceArray array(
      DType dtype, long[] shape, long[] strides, long byteOffset, boolean readOnly) {
    Memory memory =
        Memory.borrow(address, dtype, shape)
            .withStrides(strides)
            .withByteOffset(byteOffset)
            .withReadOnly(readOnly);
    return DeviceArray.from(memory.withOwner(this));
  }

  @Override
  public void run() {
    if (releases.incrementAndGet() == 1) {
      thread = Thread.currentThread().getName();
      NativeBytes.add(-bytes);
      Native.free(address);
      released.countDown();
    }
  }

  /** How often this memory was released: 1 when all is well in the end. */
  public int releases() {
    return releases.get();
  }

  /** Waits until it is released. */
  public boolean awaitRelease(long seconds) throws InterruptedException {
    return released.await(seconds, TimeUnit.SECONDS);
  }

  /** The name of the thread that released it. */
  public String thread() {
    return thread;
  }
}
