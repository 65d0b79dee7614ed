package io.arrowtensor.spark;

import io.arrowtensor.BatchFunction;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.Nulls;
import io.arrowtensor.Options;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.internal.Closing;
import io.arrowtensor.internal.Scope;
import io.arrowtensor.internal.TaskAllocators;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.spark.TaskContext;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.vectorized.ArrowColumnVector;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import org.apache.spark.util.TaskCompletionListener;
import org.jspecify.annotations.Nullable;

/**
 * The batches of one partition with the results of a call appended. One thread.
 *
 * <p><b>Lifetimes.</b> Spark reuses the input's vectors, already in {@code hasNext()}: what the
 * function borrowed ends before the input is touched again. Result vectors are freed by the
 * consumer or, whatever it left, here: with the next batch where {@link Release#ON_NEXT} allows it,
 * at the latest when the task ends. Closing an Arrow vector twice is harmless.
 */
final class ScoredBatches implements Iterator<ColumnarBatch> {
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private final CallTask call;
  private final Iterator<ColumnarBatch> input;
  private final TaskContext task;
  private final BufferAllocator allocator;
  private final TaskBatchContext context;
  private final Options options;
  private final Deque<List<FieldVector>> handedOut = new ArrayDeque<>();
  private @Nullable BatchFunction function;
  private @Nullable ColumnarBatch pending;
  private @Nullable ColumnarBatch consumed;
  private long batches;
  private long rowsBefore;
  private boolean closed;

  ScoredBatches(CallTask call, Iterator<ColumnarBatch> input, TaskContext task) {
    this.call = call;
    this.input = input;
    this.task = task;
    this.allocator = TaskMemory.open(TaskBatchContext.name(task));
    this.context = new TaskBatchContext(call, task, allocator);
    this.options = call.options().withAllocator(allocator);
    TaskCompletionListener atEnd = ended -> close();
    task.addTaskCompletionListener(atEnd);
  }

  @Override
  public boolean hasNext() {
    if (pending != null) {
      return true;
    }
    releaseHandedOut();
    while (input.hasNext()) {
      ColumnarBatch batch = input.next();
      if (batch.numRows() > 0) {
        pending = batch;
        return true;
      }
    }
    closeFunction();
    return false;
  }

  private void releaseHandedOut() {
    if (call.release() == Release.ON_NEXT && consumed != null) {
      closeArrow(consumed);
      consumed = null;
    }
    while (!handedOut.isEmpty()
        && (call.release() == Release.ON_NEXT || wasClosed(handedOut.peekFirst()))) {
      Closing.all(handedOut.removeFirst());
    }
  }

  /**
   * What passed through from a call below. Spark's generated code closes it, its interpreted code
   * does not; other classes may not bear to be closed twice.
   */
  private static void closeArrow(ColumnarBatch batch) {
    for (int i = 0; i < batch.numCols(); i++) {
      if (batch.column(i).getClass() == ArrowColumnVector.class) {
        batch.column(i).close();
      }
    }
  }

  private static boolean wasClosed(List<FieldVector> vectors) {
    return vectors.stream().allMatch(vector -> vector.getValueCount() == 0);
  }

  @Override
  public ColumnarBatch next() {
    if (!hasNext() || pending == null) {
      throw new NoSuchElementException("Cannot read past the last batch");
    }
    ColumnarBatch batch = pending;
    pending = null;
    consumed = batch;
    task.killTaskIfInterrupted();
    List<FieldVector> results = evaluate(batch);
    handedOut.addLast(results);
    batches++;
    rowsBefore += batch.numRows();
    call.metrics().add(CallMetrics.BATCHES, 1);
    call.metrics().add(CallMetrics.ROWS, batch.numRows());
    return withResults(batch, results);
  }

  private static ColumnarBatch withResults(ColumnarBatch batch, List<FieldVector> results) {
    ColumnVector[] columns = new ColumnVector[batch.numCols() + results.size()];
    for (int i = 0; i < columns.length; i++) {
      columns[i] =
          i < batch.numCols()
              ? batch.column(i)
              : new ArrowColumnVector(results.get(i - batch.numCols()));
    }
    return new ColumnarBatch(columns, batch.numRows());
  }

  private List<FieldVector> evaluate(ColumnarBatch batch) {
    Scope scope = new Scope("batch " + batches + " of " + context.task());
    try {
      List<FieldVector> results;
      try (OwnedBatch arguments = arguments(batch, scope)) {
        results = apply(arguments);
      } catch (Exception | Error e) {
        endQuietly(e, scope);
        throw e;
      }
      endScope(scope, results);
      return results;
    } catch (Exception e) {
      throw failure(e, batch.numRows());
    }
  }

  private static void endScope(Scope scope, List<FieldVector> results) throws InterruptedException {
    try {
      scope.end(PATIENCE);
    } catch (RuntimeException | InterruptedException e) {
      Closing.quietly(e, results);
      throw e;
    }
  }

  /** Spark frees the input once the task has failed: exports that were left behind end before. */
  private static void endQuietly(Throwable failure, Scope scope) {
    try {
      scope.end(PATIENCE);
    } catch (RuntimeException e) {
      failure.addSuppressed(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      failure.addSuppressed(e);
    }
  }

  private OwnedBatch arguments(ColumnarBatch batch, Scope scope) {
    StructField[] fields = call.signature().arguments().fields();
    List<DeviceColumn> columns = new ArrayList<>();
    try {
      for (int i = 0; i < fields.length; i++) {
        ColumnVector vector = batch.column(call.ordinals().get(i));
        columns.add(new VectorReader(fields[i], vector, batch.numRows(), options, scope).read());
      }
    } catch (RuntimeException | Error e) {
      Closing.quietly(e, columns);
      throw e;
    }
    return OwnedBatch.of(batch.numRows(), columns);
  }

  private List<FieldVector> apply(OwnedBatch arguments) throws Exception {
    BatchFunction running = openFunction();
    long start = System.nanoTime();
    try (OwnedBatch results = running.apply(arguments)) {
      call.metrics().add(CallMetrics.FUNCTION_TIME, System.nanoTime() - start);
      count(arguments);
      return vectors(arguments, results);
    }
  }

  /** As the function told, else as the arguments were handed over. */
  private void count(DeviceBatch arguments) {
    if (context.takeCounted()) {
      return;
    }
    call.metrics().add(arguments);
  }

  private List<FieldVector> vectors(DeviceBatch arguments, DeviceBatch results) {
    StructField[] fields = call.signature().results().fields();
    if (results.columns().size() != fields.length) {
      throw new InterchangeException(
          "Invalid result: "
              + results.columns().size()
              + " columns, resultSchema promised "
              + fields.length);
    }
    int rows = Math.toIntExact(arguments.rowCount());
    boolean propagates = options.nulls().equals(Nulls.PROPAGATE);
    List<FieldVector> vectors = new ArrayList<>();
    try (ArrowBuf present =
        propagates ? RowBits.presentInAll(arguments.columns(), rows, allocator) : null) {
      for (int i = 0; i < fields.length; i++) {
        ResultVector result = new ResultVector(fields[i], rows, allocator, call.metrics());
        vectors.add(result.of(results.column(i), present));
      }
      return vectors;
    } catch (RuntimeException | Error e) {
      Closing.quietly(e, vectors);
      throw e;
    }
  }

  private BatchFunction openFunction() throws Exception {
    BatchFunction open = function;
    if (open == null) {
      open = call.function().newInstance();
      function = open;
      open.open(context);
    }
    return open;
  }

  private RuntimeException failure(Exception e, int rows) {
    task.killTaskIfInterrupted();
    if (e instanceof InterruptedException) {
      Thread.currentThread().interrupt();
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
            + " of the partition, with "
            + call.function().describe(call.signature())
            + ": "
            + (e instanceof InterchangeException ? e.getMessage() : e),
        e);
  }

  /** The function is done with the last row, before the task ends with what others read. */
  private void closeFunction() {
    BatchFunction open = function;
    function = null;
    if (open != null) {
      Closing.all(List.of(open));
    }
  }

  private void close() {
    if (closed) {
      return;
    }
    closed = true;
    List<AutoCloseable> all = new ArrayList<>();
    all.add(this::closeFunction);
    handedOut.forEach(all::addAll);
    all.add(() -> TaskAllocators.close(allocator));
    Closing.all(all);
  }
}
