package io.arrowtensor.spark;

import java.util.ArrayList;
import java.util.List;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.spark.SparkEnv;
import org.apache.spark.sql.util.ArrowUtils;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The allocators of running tasks, children of Spark's own root, so that buffers can pass between
 * both. One whose memory a function exported for longer than its task closes with a later task.
 */
final class TaskMemory {
  private static final Logger LOG = LoggerFactory.getLogger(TaskMemory.class);
  private static final String LIMIT = "spark.arrowtensor.taskMemory";
  private static final String DEFAULT_LIMIT = "4g";
  private static final List<BufferAllocator> LINGERING = new ArrayList<>();

  private TaskMemory() {}

  static BufferAllocator open(String task) {
    sweep();
    long limit =
        org.apache.spark.network.util.JavaUtils.byteStringAsBytes(
            SparkEnv.get().conf().get(LIMIT, DEFAULT_LIMIT));
    return ArrowUtils.rootAllocator().newChildAllocator("tensors of " + task, 0, limit);
  }

  static void close(BufferAllocator allocator) {
    if (allocator.getAllocatedMemory() == 0) {
      allocator.close();
      return;
    }
    LOG.warn(
        "{}: {} bytes are still held by exports; their release frees them",
        allocator.getName(),
        allocator.getAllocatedMemory());
    synchronized (LINGERING) {
      LINGERING.add(allocator);
    }
  }

  /** Closes the allocators whose last export was released meanwhile. */
  static void sweep() {
    synchronized (LINGERING) {
      LINGERING.removeIf(
          allocator -> {
            boolean free = allocator.getAllocatedMemory() == 0;
            if (free) {
              allocator.close();
            }
            return free;
          });
    }
  }
}
