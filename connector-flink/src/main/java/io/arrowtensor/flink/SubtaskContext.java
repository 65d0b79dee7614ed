package io.arrowtensor.flink;

import io.arrowtensor.BatchContext;
import io.arrowtensor.Device;
import io.arrowtensor.Outcome;
import io.arrowtensor.internal.AssignedDevice;
import io.arrowtensor.internal.CallFigures;
import io.arrowtensor.internal.KnownFile;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.flink.api.common.TaskInfo;
import org.apache.flink.api.common.externalresource.ExternalResourceInfo;

/** What a function may use in a subtask. */
final class SubtaskContext implements BatchContext {
  private final Subtask subtask;
  private final BufferAllocator allocator;
  private final CallMetrics metrics;
  private final List<KnownFile> files;
  private final String name;
  private final int threads;
  private final Device device;
  private boolean counted;

  SubtaskContext(
      Subtask subtask, BufferAllocator allocator, CallMetrics metrics, TensorCall<?> call) {
    this.subtask = subtask;
    this.allocator = allocator;
    this.metrics = metrics;
    this.files = call.files();
    this.name = name(subtask.info());
    int slots = Math.max(1, subtask.slots());
    this.threads = Math.max(1, Runtime.getRuntime().availableProcessors() / slots);
    this.device = device(subtask, call.deviceResource());
  }

  static String name(TaskInfo task) {
    return task.getTaskNameWithSubtasks() + " attempt " + task.getAttemptNumber();
  }

  private static Device device(Subtask subtask, String resource) {
    List<String> indexes = new ArrayList<>();
    for (ExternalResourceInfo info : subtask.externalResources(resource)) {
      info.getProperty("index").ifPresent(indexes::add);
    }
    return AssignedDevice.of(indexes);
  }

  @Override
  public BufferAllocator allocator() {
    return allocator;
  }

  /** The cores of this process, shared by its slots. */
  @Override
  public int threads() {
    return threads;
  }

  @Override
  public String task() {
    return name;
  }

  @Override
  public Device device() {
    return device;
  }

  @Override
  public boolean cancelled() {
    return subtask.cancelled();
  }

  @Override
  public void onCancel(Runnable action) {
    subtask.onCancel(action);
  }

  @Override
  public void count(Outcome outcome) {
    counted = true;
    metrics.add(outcome);
  }

  /** Whether {@link #count} was called since the last call of this. */
  boolean takeCounted() {
    boolean taken = counted;
    counted = false;
    return taken;
  }

  @Override
  public void countModelLoad(long nanos) {
    metrics.add(CallFigures.MODEL_LOAD_TIME, nanos);
  }

  @Override
  public Path localCopy(URI uri) throws IOException {
    return KnownFile.require(files, uri, JobFiles.INSTANCE.localCopy(uri));
  }
}
