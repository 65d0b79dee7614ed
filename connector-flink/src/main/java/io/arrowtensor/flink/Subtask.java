package io.arrowtensor.flink;

import java.util.Set;
import org.apache.flink.api.common.TaskInfo;
import org.apache.flink.api.common.externalresource.ExternalResourceInfo;
import org.apache.flink.metrics.MetricGroup;

/** The subtask that a function runs in, as an operator or as a function of a query sees it. */
interface Subtask {
  TaskInfo info();

  /** The metrics of the operator. */
  MetricGroup metrics();

  Set<ExternalResourceInfo> externalResources(String name);

  /** The slots of this process, which share its cores. */
  int slots();

  /** Any thread. */
  boolean cancelled();

  /** Runs {@code action} when the subtask is cancelled, at once if it is; any thread. */
  void onCancel(Runnable action);
}
