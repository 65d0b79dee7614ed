package io.arrowtensor.spark;

import io.arrowtensor.BatchContext;
import io.arrowtensor.Device;
import io.arrowtensor.Outcome;
import io.arrowtensor.internal.AssignedDevice;
import io.arrowtensor.internal.KnownFile;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.spark.TaskContext;
import org.apache.spark.resource.ResourceInformation;
import org.apache.spark.util.TaskInterruptListener;

/** What a function may use in a Spark task. */
final class TaskBatchContext implements BatchContext {
  private final CallTask call;
  private final TaskContext task;
  private final BufferAllocator allocator;
  private boolean counted;

  TaskBatchContext(CallTask call, TaskContext task, BufferAllocator allocator) {
    this.call = call;
    this.task = task;
    this.allocator = allocator;
  }

  static String name(TaskContext task) {
    return "stage "
        + task.stageId()
        + " partition "
        + task.partitionId()
        + " attempt "
        + task.attemptNumber();
  }

  @Override
  public BufferAllocator allocator() {
    return allocator;
  }

  @Override
  public int threads() {
    return Math.max(1, task.cpus());
  }

  @Override
  public String task() {
    return name(task);
  }

  /** That of Spark's resource {@code gpu}. */
  @Override
  public Device device() {
    ResourceInformation gpu = task.resourcesJMap().get("gpu");
    return gpu == null ? Device.CPU : AssignedDevice.of(List.of(gpu.addresses()));
  }

  @Override
  public boolean cancelled() {
    return task.isInterrupted();
  }

  /** Spark tells a listener that comes too late at once. */
  @Override
  public void onCancel(Runnable action) {
    TaskInterruptListener listener = (context, reason) -> action.run();
    task.addTaskInterruptListener(listener);
  }

  @Override
  public void count(Outcome outcome) {
    counted = true;
    call.metrics().add(outcome);
  }

  /** Whether {@link #count} was called since the last call of this. */
  boolean takeCounted() {
    boolean taken = counted;
    counted = false;
    return taken;
  }

  @Override
  public void countModelLoad(long nanos) {
    call.metrics().add(CallMetrics.MODEL_LOAD_TIME, nanos);
  }

  @Override
  public Path localCopy(URI uri) throws IOException {
    Path local = ProcessFiles.localCopy(uri, call.conf().value().value());
    return KnownFile.require(call.signature().files(), uri, local);
  }
}
