package io.arrowtensor.flink;

import java.time.Duration;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ConfigOptions;
import org.apache.flink.configuration.MemorySize;

/**
 * The settings of this connector, for the configuration of a job or of the cluster. What a {@link
 * TensorStream} is told itself goes first.
 */
public final class TensorSettings {

  /** Rows of a full batch. */
  public static final ConfigOption<Integer> MAX_ROWS =
      ConfigOptions.key("tensor.batch.max-rows")
          .intType()
          .defaultValue(1024)
          .withDescription("Rows of a full batch.");

  /** How long the first row of a batch may wait for others. */
  public static final ConfigOption<Duration> MAX_DELAY =
      ConfigOptions.key("tensor.batch.max-delay")
          .durationType()
          .defaultValue(Duration.ofMillis(100))
          .withDescription("How long the first row of a batch may wait for others.");

  /** Batches that are computed while the next is gathered. */
  public static final ConfigOption<Integer> IN_FLIGHT =
      ConfigOptions.key("tensor.batch.in-flight")
          .intType()
          .defaultValue(0)
          .withDescription(
              "Batches that may be computed, or wait for it, on a thread of the function while the"
                  + " task gathers the next; 0 computes on the task's thread.");

  /** Native memory of one subtask of one operator. */
  public static final ConfigOption<MemorySize> TASK_MEMORY =
      ConfigOptions.key("tensor.task.memory")
          .memoryType()
          .defaultValue(MemorySize.ofMebiBytes(1024))
          .withDescription(
              "Native memory that one subtask may hold for its batches and its function's results;"
                  + " it counts towards taskmanager.memory.task.off-heap.size.");

  /** How long an allocation waits for a batch to be freed. */
  public static final ConfigOption<Duration> MEMORY_TIMEOUT =
      ConfigOptions.key("tensor.task.memory-timeout")
          .durationType()
          .defaultValue(Duration.ofSeconds(30))
          .withDescription(
              "How long an allocation waits while batches that were passed on hold all of"
                  + " tensor.task.memory and none of them is freed; then the task fails.");

  /** The external resource that names the device of a subtask. */
  public static final ConfigOption<String> DEVICE_RESOURCE =
      ConfigOptions.key("tensor.device.resource")
          .stringType()
          .defaultValue("gpu")
          .withDescription(
              "The external resource whose property index is the CUDA device that a function may"
                  + " use.");

  private TensorSettings() {}
}
