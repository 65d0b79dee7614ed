package io.arrowtensor.spark;

import java.util.Iterator;
import java.util.NoSuchElementException;
import org.apache.spark.TaskContext;
import org.apache.spark.sql.catalyst.expressions.BasePredicate;
import org.apache.spark.sql.execution.metric.SQLMetric;
import org.apache.spark.sql.execution.vectorized.OffHeapColumnVector;
import org.apache.spark.sql.execution.vectorized.OnHeapColumnVector;
import org.apache.spark.sql.execution.vectorized.WritableColumnVector;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import org.apache.spark.util.TaskCompletionListener;
import org.jspecify.annotations.Nullable;

/**
 * The batches of one partition without the rows that a predicate refuses. A batch of which it
 * accepts all is passed on as it is; of others the rows are copied into vectors that are reused
 * from batch to batch and freed when the task ends. One thread.
 */
final class FilteredBatches implements Iterator<ColumnarBatch> {
  private final Iterator<ColumnarBatch> input;
  private final BasePredicate predicate;
  private final StructType schema;
  private final boolean offHeap;
  private final SQLMetric accepted;
  private final SQLMetric copied;
  private int[] selection = new int[0];
  private WritableColumnVector @Nullable [] gathered;
  private @Nullable ColumnarBatch pending;

  FilteredBatches(
      Iterator<ColumnarBatch> input,
      BasePredicate predicate,
      StructType schema,
      boolean offHeap,
      SQLMetric accepted,
      SQLMetric copied) {
    this.input = input;
    this.predicate = predicate;
    this.schema = schema;
    this.offHeap = offHeap;
    this.accepted = accepted;
    this.copied = copied;
    TaskCompletionListener atEnd = ended -> close();
    TaskContext.get().addTaskCompletionListener(atEnd);
  }

  @Override
  public boolean hasNext() {
    while (pending == null && input.hasNext()) {
      pending = filter(input.next());
    }
    return pending != null;
  }

  @Override
  public ColumnarBatch next() {
    ColumnarBatch batch = hasNext() ? pending : null;
    if (batch == null) {
      throw new NoSuchElementException("Cannot read past the last batch");
    }
    pending = null;
    return batch;
  }

  private @Nullable ColumnarBatch filter(ColumnarBatch batch) {
    int rows = batch.numRows();
    if (selection.length < rows) {
      selection = new int[rows];
    }
    int count = 0;
    for (int row = 0; row < rows; row++) {
      if (predicate.eval(batch.getRow(row))) {
        selection[count++] = row;
      }
    }
    accepted.add(count);
    if (count == rows) {
      return rows == 0 ? null : batch;
    }
    ColumnarBatch remaining = count == 0 ? null : gather(batch, count);
    batch.closeIfFreeable();
    return remaining;
  }

  private ColumnarBatch gather(ColumnarBatch batch, int count) {
    WritableColumnVector[] targets = targets(count);
    for (int i = 0; i < targets.length; i++) {
      targets[i].reset();
      targets[i].reserve(count);
      ColumnGather.gather(batch.column(i), selection, count, targets[i]);
    }
    copied.add(count);
    return new ColumnarBatch(targets, count);
  }

  private WritableColumnVector[] targets(int capacity) {
    WritableColumnVector[] targets = gathered;
    if (targets == null) {
      targets =
          offHeap
              ? OffHeapColumnVector.allocateColumns(capacity, schema)
              : OnHeapColumnVector.allocateColumns(capacity, schema);
      gathered = targets;
    }
    return targets;
  }

  private void close() {
    WritableColumnVector[] targets = gathered;
    gathered = null;
    if (targets != null) {
      for (WritableColumnVector target : targets) {
        target.close();
      }
    }
  }
}
