package io.arrowtensor.flink;

import io.arrowtensor.BatchFunction;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.Options;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.internal.CallFigures;
import io.arrowtensor.internal.Closing;
import io.arrowtensor.internal.Scope;
import io.arrowtensor.internal.TaskAllocators;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.flink.runtime.execution.CancelTaskException;
import org.apache.flink.streaming.api.operators.StreamingRuntimeContext;
import org.apache.flink.streaming.runtime.tasks.StreamTask;

/**
 * The function of one subtask, its memory and its figures. {@link #close} closes the function and
 * frees everything, whatever happened before.
 */
final class Scorer<T> implements AutoCloseable {
  private static final BufferAllocator ROOT = new RootAllocator();
  private static final Duration PATIENCE = Duration.ofSeconds(10);
  private static final boolean[] NONE = {};

  private final TensorCall<T> call;
  private final StreamTask<?, ?> task;
  private final CallMetrics metrics;
  private final BufferAllocator allocator;
  private final SubtaskContext context;
  private final BatchFunction function;
  private final List<TensorBatch<T>> memory = new ArrayList<>();
  private boolean opened;
  private long batches;
  private long rows;

  /**
   * @param keepsElements whether elements are emitted with their results
   * @param limit native bytes that it may hold
   */
  Scorer(
      TensorCall<T> call,
      StreamTask<?, ?> task,
      StreamingRuntimeContext runtime,
      boolean keepsElements,
      long limit) {
    this.call = call;
    this.task = task;
    this.metrics = new CallMetrics(runtime.getMetricGroup());
    this.function = call.function();
    this.allocator = TaskAllocators.open(ROOT, SubtaskContext.name(runtime.getTaskInfo()), limit);
    try {
      this.context = new SubtaskContext(task, runtime, allocator, metrics, call);
      Options options = call.options().withAllocator(allocator);
      for (int i = 0; i <= call.inFlight(); i++) {
        memory.add(
            new TensorBatch<>(
                new InputBatch<>(call.reader(), call.maxRows(), options, keepsElements),
                new ResultRow(call.results())));
      }
    } catch (RuntimeException | Error e) {
      Closing.quietly(e, memory);
      Closing.quietly(e, List.of(() -> TaskAllocators.close(allocator)));
      throw e;
    }
  }

  /** Bytes that all subtasks of this class loader hold now. */
  static long heldBytes() {
    return ROOT.getAllocatedMemory();
  }

  /** Opens the function. */
  void open() throws Exception {
    opened = true;
    function.open(context);
  }

  /** The batches that may be on their way at once; freed by {@link #close}. */
  List<TensorBatch<T>> memory() {
    return memory;
  }

  CallMetrics metrics() {
    return metrics;
  }

  /** The error of an element that does not become a row of {@code batch}; the task's thread. */
  InterchangeException unreadable(InterchangeException e, InputBatch<T> batch) {
    return new InterchangeException(
        "Cannot gather batch "
            + batches
            + " of "
            + context.task()
            + ", first bad row "
            + (rows + batch.rows())
            + " of this attempt, for "
            + call.describe()
            + ": "
            + e.getMessage(),
        e);
  }

  /** Counts a batch whose rows are gathered; the task's thread. */
  void number(TensorBatch<T> batch) {
    batch.setNumber(batches, rows);
    batches++;
    rows += batch.input().rows();
  }

  /**
   * Computes a batch. On one thread at a time, which need not be the task's.
   *
   * @throws InterchangeException naming the call, the batch and its rows
   */
  void score(TensorBatch<T> batch) {
    try {
      apply(batch, batch.input().rows());
    } catch (Exception e) {
      throw failure(e, batch);
    }
  }

  private void apply(TensorBatch<T> batch, int rows) throws Exception {
    Scope scope = new Scope("batch " + batch.number() + " of " + context.task());
    OwnedBatch results;
    try (OwnedBatch arguments = batch.input().lend(scope)) {
      long start = System.nanoTime();
      results = function.apply(arguments);
      metrics.add(CallFigures.FUNCTION_TIME, System.nanoTime() - start);
      if (!context.takeCounted()) {
        metrics.add(arguments);
      }
    }
    try {
      boolean[] nulls = call.propagatesNulls() ? batch.input().nullRows() : NONE;
      batch.row().load(results, rows, nulls);
      batch.setLent(true);
      scope.end(PATIENCE);
      batch.setLent(false);
    } catch (Exception | Error e) {
      Closing.quietly(e, List.of(batch.row(), results));
      throw e;
    }
  }

  private RuntimeException failure(Exception e, TensorBatch<T> batch) {
    if (e instanceof InterruptedException) {
      Thread.currentThread().interrupt();
    }
    if (task.isCanceled()) {
      return new CancelTaskException(e);
    }
    return new InterchangeException(
        "Cannot score batch "
            + batch.number()
            + " of "
            + context.task()
            + ", rows "
            + batch.firstRow()
            + " to "
            + (batch.firstRow() + batch.input().rows() - 1)
            + " of this attempt"
            + firstBadRow(e, batch)
            + ", with "
            + call.describe()
            + ": "
            + (e instanceof InterchangeException ? e.getMessage() : e),
        e);
  }

  /** Not every error knows it: an engine fails on a batch as a whole. */
  private String firstBadRow(Exception e, TensorBatch<T> batch) {
    if (!(e instanceof InterchangeException known) || known.row().isEmpty()) {
      return "";
    }
    int row = (int) known.row().getAsLong();
    InputBatch<T> rows = batch.input();
    boolean timed = row >= 0 && row < rows.rows() && rows.isTimed(row);
    return ", first bad row "
        + (batch.firstRow() + row)
        + (timed ? " (of time " + Instant.ofEpochMilli(rows.timestamp(row)) + ")" : "");
  }

  /** Closes the function, which computes no more, then frees the batches. */
  @Override
  public void close() {
    List<AutoCloseable> all = new ArrayList<>();
    all.add(
        () -> {
          if (opened) {
            opened = false;
            function.close();
          }
        });
    all.addAll(memory);
    all.add(() -> TaskAllocators.close(allocator));
    Closing.all(all);
  }
}
