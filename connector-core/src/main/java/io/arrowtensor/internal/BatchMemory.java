package io.arrowtensor.internal;

import io.arrowtensor.CopyReason;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;
import io.arrowtensor.OwnedBatch;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;

/**
 * The memory of one task that passes whole batches on, to others that drop them without closing
 * them. The task closes this when it ends; batches outlive it. Any thread.
 */
public final class BatchMemory implements AutoCloseable {
  private static final BufferAllocator ROOT = new RootAllocator();

  private final AtomicInteger batches = new AtomicInteger();
  private final AtomicLong batchBytes = new AtomicLong();
  private final MemoryWait wait;
  private final BufferAllocator allocator;
  private volatile boolean closed;

  private BatchMemory(String task, long limit, Duration patience, String remedy) {
    TaskAllocators.sweep();
    this.wait = new MemoryWait(this, patience, remedy);
    this.allocator = ROOT.newChildAllocator("tensors of " + task, wait, 0, limit);
  }

  /**
   * Memory for {@code task}, as messages call it.
   *
   * @param limit bytes that it and its batches may hold at once
   * @param patience how long an allocation at the limit waits while nothing is freed
   */
  public static BatchMemory open(String task, long limit, Duration patience) {
    return open(task, limit, patience, "raise its limit");
  }

  /**
   * The same. Where batches of ended tasks are held, perhaps by nobody, it asks for a collection:
   * each attempt of a job that fails again and again has a limit of its own.
   *
   * @param remedy how the user raises the limit, the end of an error message
   */
  public static BatchMemory open(String task, long limit, Duration patience, String remedy) {
    BatchMemory memory = new BatchMemory(task, limit, patience, remedy);
    if (TaskAllocators.lingeringBytes() > 0) {
      GarbageCollections.suggest();
    }
    return memory;
  }

  /**
   * The same for a task that is not told its end: closed when {@code user}, which the memory must
   * not reach, has become unreachable.
   */
  public static BatchMemory openFor(
      Object user, String task, long limit, Duration patience, String remedy) {
    BatchMemory memory = open(task, limit, patience, remedy);
    Reclaim.whenUnreachable(user, memory::close);
    return memory;
  }

  /** Bytes that all of them hold now, in this class loader. */
  public static long heldBytes() {
    return ROOT.getAllocatedMemory();
  }

  /**
   * Where the task allocates. At the limit an allocation waits for a batch of {@link #own} to be
   * freed, and asks for a garbage collection meanwhile, as nobody closes what has only become
   * unreachable; without any such batch it fails at once, as Arrow's allocators do. No lock may be
   * held while it waits. An interrupt and {@link #close} end the wait.
   *
   * <p>It throws {@link io.arrowtensor.MemoryLimitException} when nothing was freed for as long as
   * the patience lasts.
   */
  public BufferAllocator allocator() {
    return allocator;
  }

  /**
   * A batch to be passed on: it owns its memory, is bound to no scope, is read-only, and may be
   * forgotten ({@link Reclaim}). Memory that has an owner stays where it is, charged to {@link
   * #allocator()} from now on if it is the host's; other memory, which belongs to a batch that was
   * lent or to the function, is copied ({@link CopyReason#BORROWED}).
   *
   * @param batch passes to this, also when it fails
   */
  public OwnedBatch own(OwnedBatch batch) {
    try (batch) {
      long bytes = bytes(batch);
      batches.incrementAndGet();
      batchBytes.addAndGet(bytes);
      Reclaim reclaim = new Reclaim(() -> freed(bytes));
      reclaim.held(); // until all arrays are there
      try {
        return Columns.map(batch, array -> owned(array, reclaim));
      } finally {
        reclaim.freed();
      }
    }
  }

  private static long bytes(DeviceBatch batch) {
    long bytes = 0;
    for (DeviceColumn column : batch.columns()) {
      bytes += bytes(column);
    }
    return bytes;
  }

  private static long bytes(DeviceColumn column) {
    DeviceArray validity = column.validity();
    DeviceArray offsets = column.offsets();
    DeviceColumn dictionary = column.dictionary();
    return column.values().nbytes()
        + (validity == null ? 0 : validity.nbytes())
        + (offsets == null ? 0 : offsets.nbytes())
        + (dictionary == null ? 0 : bytes(dictionary));
  }

  private void freed(long bytes) {
    batchBytes.addAndGet(-bytes);
    batches.decrementAndGet();
    if (closed) {
      TaskAllocators.sweep();
    }
  }

  private Memory owned(DeviceArray array, Reclaim reclaim) {
    Memory memory = array.open(Options.defaults());
    boolean stays = memory.owner() != null;
    Memory held = stays ? memory : copied(memory);
    Owner owner = held.owner();
    if (owner != null) {
      owner = onlyOwner(held, owner);
      owner.reclaimBy(reclaim);
    }
    return new Memory(
        held.address(),
        held.dtype(),
        held.shape(),
        held.strides(),
        held.offset(),
        held.device(),
        held.dimNames(),
        true,
        owner,
        null,
        stays ? array.outcome() : held.outcome(),
        held.ready());
  }

  private Memory copied(Memory memory) {
    Scope scope = memory.scope() == null ? new Scope("the call") : memory.scope();
    return Memory.forExport(
        options -> memory.withScope(scope), Options.defaults().withAllocator(allocator));
  }

  private Owner onlyOwner(Memory memory, Owner owner) {
    boolean counted = memory.device().type().isHostAccessible() && memory.nbytes() > 0;
    return counted ? ForeignBuffers.charge(memory, allocator) : new Kept(owner);
  }

  /** Batches of {@link #own} of which memory is held. */
  int batches() {
    return batches.get();
  }

  /** Bytes of their columns. */
  long batchBytes() {
    return batchBytes.get();
  }

  /**
   * Ends all waits. The allocator is closed with the last batch; batches are never freed here. What
   * exports hold is logged where no batch is left, as its sizes tell nothing while there are some:
   * Arrow rounds up.
   */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      wait.close();
      if (batches() == 0) {
        TaskAllocators.warn(allocator);
      }
      TaskAllocators.close(allocator, () -> batches() == 0);
    }
  }

  /** A reference to memory that is not the allocator's to count. */
  private static final class Kept extends Owner {
    private final Owner inner;

    Kept(Owner inner) {
      this.inner = inner;
    }

    @Override
    protected void free() {
      inner.release();
    }
  }
}
