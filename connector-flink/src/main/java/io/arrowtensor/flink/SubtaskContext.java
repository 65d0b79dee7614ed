package io.arrowtensor.flink;

import io.arrowtensor.BatchContext;
import io.arrowtensor.Device;
import io.arrowtensor.Outcome;
import io.arrowtensor.internal.CallFigures;
import io.arrowtensor.internal.KnownFile;
import java.io.Closeable;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.flink.api.common.TaskInfo;
import org.apache.flink.api.common.externalresource.ExternalResourceInfo;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.streaming.api.operators.StreamingRuntimeContext;
import org.apache.flink.streaming.runtime.tasks.StreamTask;

/** What a function may use in a subtask. */
final class SubtaskContext implements BatchContext {
  private final StreamTask<?, ?> task;
  private final BufferAllocator allocator;
  private final CallMetrics metrics;
  private final List<KnownFile> files;
  private final String name;
  private final int threads;
  private final Device device;
  private boolean counted;

  SubtaskContext(
      StreamTask<?, ?> task,
      StreamingRuntimeContext runtime,
      BufferAllocator allocator,
      CallMetrics metrics,
      TensorCall<?> call) {
    this.task = task;
    this.allocator = allocator;
    this.metrics = metrics;
    this.files = call.files();
    this.name = name(runtime.getTaskInfo());
    int slots =
        runtime
            .getTaskManagerRuntimeInfo()
            .getConfiguration()
            .get(TaskManagerOptions.NUM_TASK_SLOTS);
    this.threads = Math.max(1, Runtime.getRuntime().availableProcessors() / Math.max(1, slots));
    this.device = device(runtime, call.deviceResource());
  }

  static String name(TaskInfo task) {
    return task.getTaskNameWithSubtasks() + " attempt " + task.getAttemptNumber();
  }

  private static Device device(StreamingRuntimeContext runtime, String resource) {
    for (ExternalResourceInfo info : runtime.getExternalResourceInfos(resource)) {
      String index = info.getProperty("index").orElse("");
      if (index.matches("[0-9]{1,4}")) {
        return Device.cuda(Integer.parseInt(index));
      }
    }
    return Device.CPU;
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
    return task.isCanceled();
  }

  /** Flink also closes what is registered here when a task ends by itself. */
  @Override
  public void onCancel(Runnable action) {
    AtomicBoolean ran = new AtomicBoolean();
    Closeable once =
        () -> {
          if (task.isCanceled() && ran.compareAndSet(false, true)) {
            action.run();
          }
        };
    try {
      task.getCancelables().registerCloseable(once);
    } catch (IOException e) {
      // The registry has been closed, and with it what comes too late.
      assert ran.get() || !task.isCanceled() : e;
    }
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
