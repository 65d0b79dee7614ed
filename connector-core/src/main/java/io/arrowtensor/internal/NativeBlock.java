package io.arrowtensor.internal;

import io.arrowtensor.InterchangeException;
import org.apache.arrow.memory.BufferAllocator;
import org.jspecify.annotations.Nullable;

/** Aligned native memory that this library allocated; freed with the last reference. */
public final class NativeBlock extends Owner {
  private final long address;
  private final long bytes;

  private NativeBlock(long address, long bytes) {
    this.address = address;
    this.bytes = bytes;
  }

  /**
   * Allocates {@code bytes}, not initialised. With an allocator the bytes are reserved there and
   * the returned owner is an {@link ArrowOwner}, so the memory can become a vector of that
   * allocator without another charge.
   *
   * @param alignment a power of two
   * @return an owner with one reference; its address by {@link #addressOf}
   * @throws InterchangeException when the system has no memory; Arrow's {@code
   *     OutOfMemoryException} at the allocator's limit
   */
  public static Owner allocate(@Nullable BufferAllocator allocator, long bytes, int alignment) {
    long address = Native.allocate(Math.max(1, bytes), alignment);
    if (address == 0) {
      throw new InterchangeException(
          "Cannot allocate " + bytes + " bytes of native memory: the system has none left");
    }
    NativeBytes.add(bytes);
    NativeBlock block = new NativeBlock(address, bytes);
    return allocator == null
        ? block
        : new ArrowOwner(ForeignBuffers.wrap(allocator, address, bytes, block));
  }

  /** The first address of memory from {@link #allocate}. */
  public static long addressOf(Owner owner) {
    return owner instanceof ArrowOwner arrow
        ? arrow.buffer().memoryAddress()
        : ((NativeBlock) owner).address;
  }

  @Override
  protected void free() {
    Native.free(address);
    NativeBytes.add(-bytes);
  }
}
