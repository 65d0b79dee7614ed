package io.arrowtensor.flink;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.apache.flink.api.common.TaskInfo;
import org.apache.flink.api.common.externalresource.ExternalResourceInfo;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.table.functions.FunctionContext;

/**
 * A subtask of a query. Flink does not tell its functions that a job is cancelled; it closes them,
 * and {@link #cancel} is called then.
 *
 * <p>Any thread.
 */
final class QuerySubtask implements Subtask {
  private final FunctionContext context;
  private final int slots;
  private final List<Runnable> actions = new ArrayList<>();
  private boolean cancelled;

  /**
   * @param slots of a task manager, as the session knew it
   */
  QuerySubtask(FunctionContext context, int slots) {
    this.context = context;
    this.slots = slots;
  }

  @Override
  public TaskInfo info() {
    return context.getTaskInfo();
  }

  @Override
  public MetricGroup metrics() {
    return context.getMetricGroup();
  }

  @Override
  public Set<ExternalResourceInfo> externalResources(String name) {
    return context.getExternalResourceInfos(name);
  }

  @Override
  public int slots() {
    return slots;
  }

  @Override
  public synchronized boolean cancelled() {
    return cancelled;
  }

  @Override
  public void onCancel(Runnable action) {
    synchronized (this) {
      if (!cancelled) {
        actions.add(action);
        return;
      }
    }
    action.run();
  }

  /** Nobody waits for results any more. */
  void cancel() {
    List<Runnable> due;
    synchronized (this) {
      cancelled = true;
      due = List.copyOf(actions);
      actions.clear();
    }
    due.forEach(Runnable::run);
  }
}
