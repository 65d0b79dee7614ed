package io.arrowtensor.internal;

import io.arrowtensor.MemoryLimitException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.apache.arrow.memory.AllocationListener;
import org.apache.arrow.memory.AllocationOutcome;
import org.apache.arrow.memory.BufferAllocator;

/**
 * Lets allocations of one {@link BatchMemory} wait at its limit, as {@code java.nio} does for
 * direct buffers. Any thread.
 */
final class MemoryWait implements AllocationListener {
  /** Memory may also leave without a word, when it moves to another allocator. */
  private static final long LOOK = TimeUnit.MILLISECONDS.toNanos(50);

  private final BatchMemory memory;
  private final long patience;
  private final String remedy;
  private final Object lock = new Object();
  private long releases;
  private int waiting;
  private volatile boolean closed;

  MemoryWait(BatchMemory memory, Duration patience, String remedy) {
    this.remedy = remedy;
    this.memory = memory;
    this.patience = patience.toNanos();
  }

  /** Waits here, where nothing is charged yet. */
  @Override
  public void onPreAllocation(long bytes) {
    if (memory.allocator().getHeadroom() < bytes) {
      await(memory.allocator(), bytes);
    }
  }

  /**
   * Another thread was faster after the wait: once more, and no more than that, as Arrow asks once.
   * So an allocation may fail with Arrow's own error where several threads wait on one limit.
   */
  @Override
  public boolean onFailedAllocation(long bytes, AllocationOutcome outcome) {
    return await(memory.allocator(), bytes);
  }

  @Override
  public void onRelease(long bytes) {
    synchronized (lock) {
      releases++;
      if (waiting > 0) {
        lock.notifyAll();
      }
    }
  }

  /** No allocation waits from now on. */
  void close() {
    synchronized (lock) {
      closed = true;
      lock.notifyAll();
    }
  }

  /** Waits until there is room; whether there is, false where no batch could make it. */
  private boolean await(BufferAllocator allocator, long bytes) {
    long since = System.nanoTime();
    long seen = released();
    while (allocator.getHeadroom() < bytes) {
      if (bytes > allocator.getLimit() || memory.batches() == 0) {
        return allocator.getHeadroom() >= bytes;
      }
      GarbageCollections.suggest();
      pause(allocator, bytes, seen);
      long now = System.nanoTime();
      if (released() != seen) {
        seen = released();
        since = now;
      } else if (now - since >= patience) {
        throw error(allocator, bytes, "nothing was freed for " + millis(now - since) + " ms");
      }
    }
    return true;
  }

  private long released() {
    synchronized (lock) {
      return releases;
    }
  }

  /** Until something was released, but not long. */
  private void pause(BufferAllocator allocator, long bytes, long seen) {
    long until = System.nanoTime() + LOOK;
    synchronized (lock) {
      waiting++;
      try {
        for (long left = LOOK;
            releases == seen && !closed && left > 0;
            left = until - System.nanoTime()) {
          TimeUnit.NANOSECONDS.timedWait(lock, left);
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw error(allocator, bytes, "the wait for them was interrupted");
      } finally {
        waiting--;
      }
    }
    if (closed) {
      throw error(allocator, bytes, "its task has ended");
    }
  }

  private static long millis(long nanos) {
    return TimeUnit.NANOSECONDS.toMillis(nanos);
  }

  private MemoryLimitException error(BufferAllocator allocator, long bytes, String why) {
    return new MemoryLimitException(
        "Cannot allocate "
            + bytes
            + " bytes for "
            + allocator.getName()
            + ": "
            + allocator.getAllocatedMemory()
            + " of "
            + allocator.getLimit()
            + " are held, "
            + memory.batchBytes()
            + " of them by "
            + memory.batches()
            + " batches that were passed on and are reachable, exported or not collected yet, and "
            + why
            + "; close batches that only one operator reads when it is done with them, keep fewer"
            + " in state or in flight, or "
            + remedy);
  }
}
