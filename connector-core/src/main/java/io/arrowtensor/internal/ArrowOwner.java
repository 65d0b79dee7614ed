package io.arrowtensor.internal;

import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.ReferenceManager;
import org.jspecify.annotations.Nullable;

/** Holds one reference to an Arrow buffer, which closes with the last reference to this owner. */
public final class ArrowOwner extends Owner {
  private final ArrowBuf buffer;
  private final long countedBytes;

  /**
   * Takes over the caller's reference to {@code buffer}; its bytes are counted where they were
   * allocated.
   */
  ArrowOwner(ArrowBuf buffer) {
    this(buffer, 0);
  }

  private ArrowOwner(ArrowBuf buffer, long countedBytes) {
    this.buffer = buffer;
    this.countedBytes = countedBytes;
    NativeBytes.add(countedBytes);
  }

  /**
   * Retains {@code buffer} in the root of its allocator: same address, and the vector as well as
   * its child allocator may be closed before this owner is released; closing the root before that
   * is Arrow's leak error with the bytes.
   *
   * @return an owner, or null for a buffer that nobody counts, which its creator must keep alive
   */
  public static @Nullable ArrowOwner retain(ArrowBuf buffer) {
    ReferenceManager references = buffer.getReferenceManager();
    if (references == ReferenceManager.NO_OP) {
      return null;
    }
    BufferAllocator allocator = references.getAllocator();
    BufferAllocator root = allocator.getRoot();
    if (allocator != root) {
      return new ArrowOwner(references.retain(buffer, root), buffer.capacity());
    }
    references.retain();
    return new ArrowOwner(buffer, buffer.capacity());
  }

  /**
   * The same buffer held in {@code allocator}, of the same root; charged to it once those who hold
   * it elsewhere have let it go. The reference to this owner passes to the result.
   */
  ArrowOwner movedTo(BufferAllocator allocator) {
    try {
      return new ArrowOwner(buffer.getReferenceManager().retain(buffer, allocator), countedBytes);
    } finally {
      release();
    }
  }

  /** The buffer; borrowed. */
  public ArrowBuf buffer() {
    return buffer;
  }

  @Override
  protected void free() {
    try {
      buffer.getReferenceManager().release();
    } finally {
      NativeBytes.add(-countedBytes);
    }
  }
}
