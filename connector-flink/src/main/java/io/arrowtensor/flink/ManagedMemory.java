package io.arrowtensor.flink;

import io.arrowtensor.InterchangeException;
import org.apache.flink.api.dag.Transformation;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.core.memory.ManagedMemoryUseCase;
import org.apache.flink.runtime.execution.Environment;
import org.apache.flink.runtime.memory.MemoryManager;
import org.apache.flink.runtime.memory.MemoryReservationException;
import org.apache.flink.streaming.api.graph.StreamConfig;
import org.apache.flink.streaming.runtime.tasks.StreamTask;

/**
 * What a subtask has reserved of its slot's managed memory; {@link #close} gives it back, once.
 * Flink counts these bytes and allocates none of them.
 */
final class ManagedMemory implements AutoCloseable {
  private static final long UNIT = MemorySize.ofMebiBytes(1).getBytes();

  /** Flink computes shares as fractions of 16 digits, rounded down. */
  private static final long ROUNDING = 1024;

  private final MemoryManager slot;
  private final long bytes;
  private boolean given;

  private ManagedMemory(MemoryManager slot, long bytes) {
    this.slot = slot;
    this.bytes = bytes;
  }

  /**
   * The bytes that can be declared.
   *
   * @throws InterchangeException for less than what Flink weighs operators by
   */
  static long requireDeclarable(MemorySize size) {
    if (size.getBytes() < UNIT || size.getBytes() / UNIT >= Integer.MAX_VALUE) {
      throw new InterchangeException(
          "Invalid memory " + size + ": expected at least 1 mb, less than 2048 tb");
    }
    return size.getBytes();
  }

  /** Tells Flink the weight of an operator among those of its slot: a unit for each mebibyte. */
  static void declare(Transformation<?> operator, long bytes) {
    int weight = Math.toIntExact((bytes + UNIT - 1) / UNIT);
    operator.declareManagedMemoryUseCaseAtOperatorScope(ManagedMemoryUseCase.OPERATOR, weight);
  }

  /**
   * Reserves what {@code call} asked for.
   *
   * @throws InterchangeException when the operator's share of the slot is smaller, or held by
   *     others
   */
  static ManagedMemory reserve(TensorCall<?> call, StreamTask<?, ?> task, StreamConfig operator) {
    Environment environment = task.getEnvironment();
    MemoryManager slot = environment.getMemoryManager();
    double fraction =
        operator.getManagedMemoryFractionOperatorUseCaseOfSlot(
            ManagedMemoryUseCase.OPERATOR,
            environment.getJobConfiguration(),
            environment.getTaskManagerInfo().getConfiguration(),
            environment.getUserCodeClassLoader().asClassLoader());
    long share = slot.computeMemorySize(fraction);
    long bytes = Math.min(call.memory(), share);
    if (bytes < call.memory() - ROUNDING) {
      throw new InterchangeException(tooLittle(call, share, slot, ""));
    }
    ManagedMemory reserved = new ManagedMemory(slot, bytes);
    try {
      slot.reserveMemory(reserved, bytes);
    } catch (MemoryReservationException e) {
      String taken = ", of which others hold some (" + e.getMessage() + ")";
      throw new InterchangeException(tooLittle(call, share, slot, taken), e);
    }
    return reserved;
  }

  private static String tooLittle(
      TensorCall<?> call, long share, MemoryManager slot, String taken) {
    return "Cannot reserve "
        + text(call.memory())
        + " of managed memory for "
        + call.describe()
        + ": its share of the slot's "
        + text(slot.getMemorySize())
        + " is "
        + text(share)
        + taken
        + "; raise taskmanager.memory.managed.size, or the weight of OPERATOR in"
        + " taskmanager.memory.managed.consumer-weights, or ask for less with memory(...)";
  }

  private static String text(long bytes) {
    return new MemorySize(bytes).toString();
  }

  /** The bytes that the subtask may hold. */
  long bytes() {
    return bytes;
  }

  @Override
  public void close() {
    if (!given) {
      given = true;
      slot.releaseMemory(this, bytes);
    }
  }
}
