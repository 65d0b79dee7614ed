package io.arrowtensor.flink;

import java.io.Closeable;
import java.io.IOException;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.flink.api.common.TaskInfo;
import org.apache.flink.api.common.externalresource.ExternalResourceInfo;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.streaming.api.operators.StreamingRuntimeContext;
import org.apache.flink.streaming.runtime.tasks.StreamTask;

/** A subtask of an operator. */
record OperatorSubtask(StreamTask<?, ?> task, StreamingRuntimeContext runtime) implements Subtask {
  @Override
  public TaskInfo info() {
    return runtime.getTaskInfo();
  }

  @Override
  public MetricGroup metrics() {
    return runtime.getMetricGroup();
  }

  @Override
  public Set<ExternalResourceInfo> externalResources(String name) {
    return runtime.getExternalResourceInfos(name);
  }

  @Override
  public int slots() {
    return runtime
        .getTaskManagerRuntimeInfo()
        .getConfiguration()
        .get(TaskManagerOptions.NUM_TASK_SLOTS);
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
}
