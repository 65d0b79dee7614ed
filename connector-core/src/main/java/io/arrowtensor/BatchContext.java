package io.arrowtensor;

import org.apache.arrow.memory.BufferAllocator;

/**
 * What a {@link BatchFunction} may use on a worker. Belongs to one task; {@link #cancelled()} may
 * be asked from any thread.
 */
public interface BatchContext extends FileAccess {

  /**
   * A bounded allocator for results and scratch memory; closed by the task after the function was
   * closed.
   */
  BufferAllocator allocator();

  /** The processor cores that this task may use, at least 1. */
  int threads();

  /** The task, as logs should name it, such as {@code stage 3 partition 17 attempt 0}. */
  String task();

  /**
   * The device assigned to this task: a target for transfers, never a tag on host memory. In Spark
   * the first address of its resource {@code gpu}, in Flink the first index of the external
   * resource that {@code tensor.device.resource} names; {@link Device#CPU} when there is none.
   */
  Device device();

  /** Whether the task was killed or cancelled. */
  boolean cancelled();

  /**
   * Runs {@code action} once when the task is killed, on the thread that kills it, at once if that
   * has happened already.
   */
  void onCancel(Runnable action);

  /**
   * Counts how an engine came by the bytes it read. A function that packs or casts its input calls
   * this for each array that the engine really read; for a batch without any call, the arrays of
   * the batch are counted as they were handed over.
   */
  void count(Outcome outcome);

  /** Adds to the task's model load time. */
  void countModelLoad(long nanos);
}
