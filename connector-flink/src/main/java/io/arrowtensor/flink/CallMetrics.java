package io.arrowtensor.flink;

import io.arrowtensor.CopyReason;
import io.arrowtensor.internal.CallFigures;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Map;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Histogram;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.metrics.ThreadSafeSimpleCounter;
import org.apache.flink.runtime.metrics.DescriptiveStatisticsHistogram;

/** The figures of one subtask among the metrics of its operator. Any thread. */
final class CallMetrics extends CallFigures {
  static final String ROWS_PER_BATCH = "rowsPerBatch";
  static final String FLUSHES = "flushes";
  static final String QUEUE_DEPTH = "queueDepth";
  private static final int WINDOW = 1000;

  private final Map<String, Counter> counters = new HashMap<>();
  private final Map<FlushCause, Counter> flushes = new EnumMap<>(FlushCause.class);
  private final Histogram rowsPerBatch;
  private volatile int queueDepth;

  CallMetrics(MetricGroup group) {
    for (String name :
        new String[] {BATCHES, ROWS, ZERO_COPY, DECODED, FUNCTION_TIME, MODEL_LOAD_TIME}) {
      counters.put(name, group.counter(name, new ThreadSafeSimpleCounter()));
    }
    MetricGroup copies = group.addGroup(COPIED);
    for (CopyReason reason : copyReasons()) {
      counters.put(copied(reason), copies.counter(reason.name(), new ThreadSafeSimpleCounter()));
    }
    MetricGroup causes = group.addGroup(FLUSHES);
    for (FlushCause cause : FlushCause.values()) {
      flushes.put(cause, causes.counter(cause.metric()));
    }
    group.gauge(QUEUE_DEPTH, () -> queueDepth);
    rowsPerBatch = group.histogram(ROWS_PER_BATCH, new DescriptiveStatisticsHistogram(WINDOW));
  }

  @Override
  public void add(String name, long value) {
    Counter counter = counters.get(name);
    if (counter == null) {
      throw new IllegalArgumentException("Cannot find metric " + name);
    }
    counter.inc(value);
  }

  /** Counts one batch. On one thread at a time: the task's, in queries the engine's. */
  void addBatch(int rows, FlushCause cause) {
    add(BATCHES, 1);
    add(ROWS, rows);
    rowsPerBatch.update(rows);
    java.util.Objects.requireNonNull(flushes.get(cause)).inc();
  }

  /** Tells how many batches wait for the function or are computed. */
  void setQueueDepth(int batches) {
    queueDepth = batches;
  }
}
