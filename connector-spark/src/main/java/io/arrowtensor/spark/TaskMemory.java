package io.arrowtensor.spark;

import io.arrowtensor.internal.TaskAllocators;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.spark.SparkEnv;
import org.apache.spark.network.util.JavaUtils;
import org.apache.spark.sql.util.ArrowUtils;

/**
 * The allocators of running tasks, children of Spark's own root, so that buffers can pass between
 * both.
 */
final class TaskMemory {
  private static final String LIMIT = "spark.arrowtensor.taskMemory";
  private static final String DEFAULT_LIMIT = "4g";

  private TaskMemory() {}

  /** An allocator that the caller gives to {@link TaskAllocators#close}. */
  static BufferAllocator open(String task) {
    long limit = JavaUtils.byteStringAsBytes(SparkEnv.get().conf().get(LIMIT, DEFAULT_LIMIT));
    return TaskAllocators.open(ArrowUtils.rootAllocator(), task, limit);
  }
}
