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
import java.util.List;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.flink.runtime.execution.CancelTaskException;
import org.apache.flink.streaming.api.operators.StreamingRuntimeContext;
import org.apache.flink.streaming.runtime.tasks.StreamTask;

/**
 * The function of one subtask, its memory and its figures. {@link #close} closes the function and
 * frees everything, whatever happened before. The task's thread.
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
  private final InputBatch<T> batch;
  private final ResultRow row;
  private boolean opened;
  private boolean stillLent;
  private long batches;
  private long rowsBefore;

  Scorer(
      TensorCall<T> call,
      StreamTask<?, ?> task,
      StreamingRuntimeContext runtime,
      boolean keepsElements) {
    this.call = call;
    this.task = task;
    this.metrics = new CallMetrics(runtime.getMetricGroup());
    this.function = call.function();
    this.row = new ResultRow(call.results());
    this.allocator =
        TaskAllocators.open(ROOT, SubtaskContext.name(runtime.getTaskInfo()), call.memory());
    try {
      this.context = new SubtaskContext(task, runtime, allocator, metrics, call.deviceResource());
      Options options = call.options().withAllocator(allocator);
      this.batch = new InputBatch<>(call.reader(), call.maxRows(), options, keepsElements);
    } catch (RuntimeException | Error e) {
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
    call.reader().open();
    opened = true;
    function.open(context);
  }

  /** Where elements are gathered. */
  InputBatch<T> batch() {
    return batch;
  }

  /**
   * Computes what {@link #batch()} holds.
   *
   * @return the results, row by row; the caller closes them before the next call
   * @throws InterchangeException naming the call, the batch and its rows
   */
  ResultRow score(FlushCause cause) {
    int rows = batch.rows();
    try {
      apply(rows);
      metrics.addBatch(rows, cause);
      batches++;
      rowsBefore += rows;
      return row;
    } catch (Exception e) {
      throw failure(e, rows);
    }
  }

  private void apply(int rows) throws Exception {
    Scope scope = new Scope("batch " + batches + " of " + context.task());
    OwnedBatch results;
    try (OwnedBatch arguments = batch.lend(scope)) {
      long start = System.nanoTime();
      results = function.apply(arguments);
      metrics.add(CallFigures.FUNCTION_TIME, System.nanoTime() - start);
      if (!context.takeCounted()) {
        metrics.add(arguments);
      }
    }
    try {
      row.load(results, rows, call.propagatesNulls() ? batch.nullRows() : NONE);
      stillLent = true;
      scope.end(PATIENCE);
      stillLent = false;
    } catch (Exception | Error e) {
      Closing.quietly(e, List.of(row, results));
      throw e;
    }
  }

  private RuntimeException failure(Exception e, int rows) {
    if (e instanceof InterruptedException) {
      Thread.currentThread().interrupt();
    }
    if (task.isCanceled()) {
      return new CancelTaskException(e);
    }
    return new InterchangeException(
        "Cannot score batch "
            + batches
            + " of "
            + context.task()
            + ", rows "
            + rowsBefore
            + " to "
            + (rowsBefore + rows - 1)
            + " of this attempt, with "
            + call.describe()
            + ": "
            + (e instanceof InterchangeException ? e.getMessage() : e),
        e);
  }

  /** Memory that an export still shows to others is leaked, never freed under them. */
  @Override
  public void close() {
    Closing.all(
        List.of(
            () -> {
              if (opened) {
                opened = false;
                function.close();
              }
            },
            () -> {
              if (!stillLent) {
                batch.close();
              }
            },
            () -> TaskAllocators.close(allocator)));
  }
}
