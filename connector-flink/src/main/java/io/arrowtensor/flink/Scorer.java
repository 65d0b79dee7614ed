package io.arrowtensor.flink;

import io.arrowtensor.BatchFunction;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.MemoryLimitException;
import io.arrowtensor.Options;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.internal.BatchMemory;
import io.arrowtensor.internal.CallFigures;
import io.arrowtensor.internal.Closing;
import io.arrowtensor.internal.Scope;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.OutOfMemoryException;
import org.apache.flink.api.common.eventtime.TimestampAssigner;
import org.apache.flink.runtime.execution.CancelTaskException;

/**
 * The function of one subtask, its memory and its figures. {@link #close} closes the function and
 * frees everything, whatever happened before.
 */
final class Scorer<T> implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(10);
  private static final boolean[] NONE = {};
  private static final String MORE_MEMORY =
      "; raise tensor.task.memory or what memory(...) asks for, or make batches smaller with"
          + " maxRows(...)";

  private final TensorCall<T> call;
  private final Subtask subtask;
  private final CallMetrics metrics;
  private final BatchMemory budget;
  private final SubtaskContext context;
  private final BatchFunction function;
  private final int kept;
  private final List<TensorBatch<T>> memory = new ArrayList<>();
  private boolean opened;
  private long batches;
  private long rows;

  /**
   * @param keepsElements whether elements are emitted with their results
   * @param alone see {@link InputReader#allocate}
   * @param limit native bytes that it may hold
   */
  Scorer(TensorCall<T> call, Subtask subtask, boolean keepsElements, boolean alone, long limit) {
    this.call = call;
    this.subtask = subtask;
    this.metrics = new CallMetrics(subtask.metrics());
    this.function = call.function();
    this.kept = call.reader().kept().size();
    this.budget =
        BatchMemory.open(
            SubtaskContext.name(subtask.info()),
            limit,
            call.memoryTimeout(),
            call.managed() ? "ask for more with memory(size)" : "raise tensor.task.memory");
    BufferAllocator allocator = budget.allocator();
    try {
      this.context = new SubtaskContext(subtask, allocator, metrics, call);
      Options options = call.options().withAllocator(allocator);
      for (int i = 0; i <= call.inFlight(); i++) {
        memory.add(
            new TensorBatch<>(
                call.reader().allocate(call.maxRows(), options, keepsElements, alone), results()));
      }
    } catch (RuntimeException | Error e) {
      Closing.quietly(e, memory);
      Closing.quietly(e, List.of(budget));
      throw e;
    }
  }

  private Results results() {
    return call.whole()
        ? new ResultBatch(call.results(), kept, budget)
        : new ResultRow(call.results());
  }

  /** Opens the function. */
  void open() throws Exception {
    opened = true;
    function.open(context);
    JobLoader.warnOfPins();
  }

  /** The batches that may be on their way at once; freed by {@link #close}. */
  List<TensorBatch<T>> memory() {
    return memory;
  }

  CallMetrics metrics() {
    return metrics;
  }

  /**
   * The error of an element that does not become a row of {@code batch}: it is bad, or there is no
   * memory for it. As {@link #number}.
   */
  InterchangeException unreadable(RuntimeException e, BatchInput<T> batch) {
    boolean atLimit = e instanceof OutOfMemoryException;
    boolean noMemory = atLimit || e instanceof MemoryLimitException;
    return new InterchangeException(
        "Cannot gather batch "
            + batches
            + " of "
            + context.task()
            + (noMemory ? ", no memory for row " : ", first bad row ")
            + (rows + batch.rows())
            + " of this attempt, for "
            + call.describe()
            + ": "
            + e.getMessage()
            + (atLimit ? MORE_MEMORY : ""),
        e);
  }

  /**
   * Counts a batch whose rows are gathered. On one thread at a time, which need not be the task's:
   * in queries the engine's takes batches that are not full, and a lock orders both.
   */
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
      apply(batch);
    } catch (Exception e) {
      throw failure(e, batch);
    }
  }

  private void apply(TensorBatch<T> batch) throws Exception {
    Scope scope = new Scope("batch " + batch.number() + " of " + context.task());
    try (OwnedBatch lent = batch.input().lend(scope)) {
      load(batch, compute(lent), lent);
    } catch (Exception | Error e) {
      endQuietly(e, scope, batch);
      throw e;
    }
    try {
      batch.setLent(true);
      scope.end(PATIENCE);
      batch.setLent(false);
    } catch (Exception | Error e) {
      Closing.quietly(e, List.of(batch.results()));
      throw e;
    }
  }

  /** A function that failed may have left an export behind, as one that returned may. */
  private void endQuietly(Throwable failure, Scope scope, TensorBatch<T> batch) {
    try {
      batch.setLent(true);
      scope.end(PATIENCE);
      batch.setLent(false);
    } catch (RuntimeException e) {
      failure.addSuppressed(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      failure.addSuppressed(e);
    }
  }

  private OwnedBatch compute(OwnedBatch lent) throws Exception {
    List<DeviceColumn> columns = lent.columns();
    DeviceBatch arguments =
        kept == 0
            ? lent
            : new DeviceBatch(lent.rowCount(), columns.subList(0, columns.size() - kept));
    long start = System.nanoTime();
    OwnedBatch results = function.apply(arguments);
    metrics.add(CallFigures.FUNCTION_TIME, System.nanoTime() - start);
    if (!context.takeCounted()) {
      metrics.add(arguments);
    }
    return results;
  }

  private void load(TensorBatch<T> batch, OwnedBatch results, OwnedBatch lent) {
    try {
      boolean[] nulls = call.propagatesNulls() ? batch.input().nullRows() : NONE;
      batch.results().load(results, lent, batch.input(), nulls);
      if (batch.results() instanceof ResultBatch whole) {
        metrics.add(whole.batch());
      }
    } catch (RuntimeException | Error e) {
      Closing.quietly(e, List.of(batch.results(), results));
      throw e;
    }
  }

  private RuntimeException failure(Exception e, TensorBatch<T> batch) {
    if (e instanceof InterruptedException) {
      Thread.currentThread().interrupt();
    }
    if (subtask.cancelled()) {
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
    if (!(e instanceof InterchangeException named) || named.row().isEmpty()) {
      return "";
    }
    int row = (int) named.row().getAsLong();
    BatchInput<T> rows = batch.input();
    boolean timed = row >= 0 && row < rows.rows() && rows.isTimed(row);
    boolean known = timed && rows.timestamp(row) != TimestampAssigner.NO_TIMESTAMP;
    return ", first bad row "
        + (batch.firstRow() + row)
        + (known ? " (of time " + Instant.ofEpochMilli(rows.timestamp(row)) + ")" : "");
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
    all.add(budget);
    Closing.all(all);
  }
}
