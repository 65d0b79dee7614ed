package io.arrowtensor.internal;

import io.arrowtensor.DeviceMismatchException;
import io.arrowtensor.Memory;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.ForeignAllocation;

/** Host memory of others as Arrow buffers. */
public final class ForeignBuffers {
  private ForeignBuffers() {}

  /**
   * A buffer over contiguous {@code memory}, whose reference passes to the buffer, also when this
   * fails. Memory that already belongs to the same root is retained there; other memory is charged
   * to {@code allocator}, and its owner is released when Arrow drops the last reference.
   *
   * @throws DeviceMismatchException for memory that the host cannot reach: whoever has an Arrow
   *     buffer reads it
   * @throws org.apache.arrow.memory.OutOfMemoryException at the allocator's limit
   */
  public static ArrowBuf adopt(Memory memory, BufferAllocator allocator) {
    try {
      memory.device().requireHostAccessible("make an Arrow buffer of");
    } catch (DeviceMismatchException e) {
      memory.release();
      throw e;
    }
    long bytes = memory.nbytes();
    if (bytes == 0) {
      memory.release();
      return allocator.getEmpty();
    }
    if (memory.owner() instanceof ArrowOwner arrow && isSameRoot(arrow.buffer(), allocator)) {
      return retained(arrow, memory, allocator);
    }
    return wrap(allocator, memory.start(), bytes, new Adopted(memory, bytes));
  }

  /**
   * One owner of host memory, charged to {@code allocator} and with no one else's reference to it;
   * {@code memory}'s passes to it, also when this fails. Memory of the same root is charged once
   * its other holders have let it go.
   *
   * @param memory with an owner; its elements may lie in any order
   * @throws org.apache.arrow.memory.OutOfMemoryException at the allocator's limit
   */
  static Owner charge(Memory memory, BufferAllocator allocator) {
    if (memory.owner() instanceof ArrowOwner arrow && isSameRoot(arrow.buffer(), allocator)) {
      return arrow.movedTo(allocator);
    }
    long[] extent = Shapes.extent(memory.shape(), memory.strides(), memory.dtype());
    int width = memory.dtype().itemSize();
    long bytes = (extent[1] - extent[0] + 1) * width;
    long first = memory.start() + extent[0] * width;
    return new ArrowOwner(wrap(allocator, first, bytes, new Adopted(memory, bytes)));
  }

  /**
   * A buffer of {@code bytes} at {@code address}, charged to {@code allocator}. The reference to
   * {@code owner} passes to the buffer, also when this fails.
   */
  static ArrowBuf wrap(BufferAllocator allocator, long address, long bytes, Owner owner) {
    ForeignAllocation allocation =
        new ForeignAllocation(bytes, address) {
          @Override
          protected void release0() {
            owner.release();
          }
        };
    try {
      return allocator.wrapForeignAllocation(allocation);
    } catch (RuntimeException | Error e) {
      if (owner.references() > 0) {
        owner.release(); // at the allocator's limit Arrow throws without releasing
      }
      throw e;
    }
  }

  private static boolean isSameRoot(ArrowBuf buffer, BufferAllocator allocator) {
    return buffer.getReferenceManager().getAllocator().getRoot() == allocator.getRoot();
  }

  private static ArrowBuf retained(ArrowOwner owner, Memory memory, BufferAllocator allocator) {
    try {
      ArrowBuf whole = owner.buffer().getReferenceManager().retain(owner.buffer(), allocator);
      return whole.slice(memory.start() - whole.memoryAddress(), memory.nbytes());
    } finally {
      owner.release();
    }
  }

  /** Counts the bytes for as long as Arrow holds them. */
  private static final class Adopted extends Owner {
    private final Memory memory;
    private final long bytes;

    Adopted(Memory memory, long bytes) {
      this.memory = memory;
      this.bytes = bytes;
      NativeBytes.add(bytes);
    }

    @Override
    protected void free() {
      NativeBytes.add(-bytes);
      memory.release();
    }
  }
}
