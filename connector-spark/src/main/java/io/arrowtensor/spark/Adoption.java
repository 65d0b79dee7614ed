package io.arrowtensor.spark;

import io.arrowtensor.Memory;
import io.arrowtensor.internal.ArrowOwner;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.ForeignAllocation;

/** Memory of any owner as a buffer of an allocator, at its own address. */
final class Adoption {
  private Adoption() {}

  /** Takes over {@code memory}; the caller closes the buffer. Released at once when this throws. */
  static ArrowBuf adopt(Memory memory, BufferAllocator allocator) {
    long bytes = memory.nbytes();
    if (memory.owner() instanceof ArrowOwner arrow
        && arrow.buffer().getReferenceManager().getAllocator().getRoot() == allocator.getRoot()) {
      ArrowBuf buffer = arrow.buffer();
      try {
        ArrowBuf whole = buffer.getReferenceManager().retain(buffer, allocator);
        return whole.slice(memory.start() - whole.memoryAddress(), bytes).writerIndex(bytes);
      } finally {
        memory.release();
      }
    }
    boolean[] released = new boolean[1];
    ForeignAllocation allocation =
        new ForeignAllocation(bytes, memory.start()) {
          @Override
          protected void release0() {
            released[0] = true;
            memory.release();
          }
        };
    try {
      return allocator.wrapForeignAllocation(allocation).writerIndex(bytes);
    } catch (RuntimeException | Error e) {
      if (!released[0]) {
        memory.release(); // at the allocator's limit Arrow throws without releasing
      }
      throw e;
    }
  }
}
