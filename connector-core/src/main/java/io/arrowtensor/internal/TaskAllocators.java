package io.arrowtensor.internal;

import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.apache.arrow.memory.BufferAllocator;

/**
 * The allocators of running tasks, children of a root that outlives them. One whose memory a
 * function exported for longer than its task closes with a later task. Any thread.
 */
public final class TaskAllocators {
  private static final System.Logger LOG = System.getLogger(TaskAllocators.class.getName());
  private static final List<Lingering> LINGERING = new ArrayList<>();

  private TaskAllocators() {}

  /**
   * An allocator that the caller gives to {@link #close}.
   *
   * @param limit bytes that it may hold at once
   */
  public static BufferAllocator open(BufferAllocator root, String task, long limit) {
    sweep();
    return root.newChildAllocator("tensors of " + task, 0, limit);
  }

  /** Closes {@code allocator}, at once or when its last buffer was released. */
  public static void close(BufferAllocator allocator) {
    warn(allocator);
    close(allocator, () -> true);
  }

  /** Says so where memory is held that no batch accounts for. */
  static void warn(BufferAllocator allocator) {
    long held = allocator.getAllocatedMemory();
    if (held > 0) {
      LOG.log(
          Level.WARNING,
          "{0}: {1} bytes are still held by exports; their release frees them",
          allocator.getName(),
          held);
    }
  }

  /** The same, not before {@code idle} says that it may be, where others hold memory by design. */
  static void close(BufferAllocator allocator, BooleanSupplier idle) {
    synchronized (LINGERING) {
      LINGERING.add(new Lingering(allocator, idle));
    }
    sweep();
  }

  /** Closes the allocators whose last export was released meanwhile. */
  public static void sweep() {
    synchronized (LINGERING) {
      LINGERING.removeIf(Lingering::isClosed);
    }
  }

  /** Bytes of ended tasks that are not freed yet. */
  static long lingeringBytes() {
    synchronized (LINGERING) {
      return LINGERING.stream().mapToLong(each -> each.allocator.getAllocatedMemory()).sum();
    }
  }

  private record Lingering(BufferAllocator allocator, BooleanSupplier idle) {
    /** Whether this is done with; one that fails is, as it would fail all later tasks. */
    boolean isClosed() {
      try {
        boolean free = idle.getAsBoolean() && allocator.getAllocatedMemory() == 0;
        if (free) {
          allocator.close();
        }
        return free;
      } catch (RuntimeException e) {
        LOG.log(Level.WARNING, "Cannot close " + allocator.getName() + "; it is given up", e);
        return true;
      }
    }
  }
}
