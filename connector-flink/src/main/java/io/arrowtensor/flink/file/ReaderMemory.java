package io.arrowtensor.flink.file;

import io.arrowtensor.flink.TensorSettings;
import io.arrowtensor.internal.BatchMemory;
import java.io.Serializable;
import org.apache.flink.configuration.Configuration;
import org.jspecify.annotations.Nullable;

/**
 * The memory of the batches that one subtask reads, whatever file they come from. Flink gives each
 * subtask a format of its own, and with it this, but tells neither when the subtask ends: so it is
 * closed when the format has become unreachable.
 */
final class ReaderMemory implements Serializable {
  private static final long serialVersionUID = 1;

  private transient @Nullable BatchMemory opened;

  /** The memory; borrowed. */
  synchronized BatchMemory open(Configuration config) {
    BatchMemory memory = opened;
    if (memory == null) {
      memory =
          BatchMemory.openFor(
              this,
              "a file source",
              config.get(TensorSettings.TASK_MEMORY).getBytes(),
              config.get(TensorSettings.MEMORY_TIMEOUT),
              "raise tensor.task.memory");
      opened = memory;
    }
    return memory;
  }
}
