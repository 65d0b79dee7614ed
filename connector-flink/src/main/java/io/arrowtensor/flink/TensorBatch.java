package io.arrowtensor.flink;

import io.arrowtensor.internal.Closing;
import java.util.List;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.jspecify.annotations.Nullable;

/**
 * The memory of one batch on its way: gathered, scored, emitted, then used for another. The task's
 * thread; between submission and return rows and results belong to the engine's.
 */
final class TensorBatch<T> implements AutoCloseable {
  private final BatchInput<T> input;
  private final Results results;
  private FlushCause cause = FlushCause.SIZE;
  private @Nullable Watermark watermark;
  private boolean lent;
  private long number;
  private long firstRow;

  TensorBatch(BatchInput<T> input, Results results) {
    this.input = input;
    this.results = results;
  }

  BatchInput<T> input() {
    return input;
  }

  /** The results, once they were computed. */
  Results results() {
    return results;
  }

  FlushCause cause() {
    return cause;
  }

  void setCause(FlushCause cause) {
    this.cause = cause;
  }

  /** Which of its subtask's batches this is, and which row its first one is, both from 0. */
  void setNumber(long number, long firstRow) {
    this.number = number;
    this.firstRow = firstRow;
  }

  long number() {
    return number;
  }

  long firstRow() {
    return firstRow;
  }

  /** The last watermark that came behind this batch's rows, null for none. */
  @Nullable Watermark watermark() {
    return watermark;
  }

  void setWatermark(@Nullable Watermark watermark) {
    this.watermark = watermark;
  }

  /** Whether an export still shows the memory to others: then it is leaked, never freed. */
  void setLent(boolean lent) {
    this.lent = lent;
  }

  /** Ready for the next rows. */
  void clear() {
    input.clear();
    watermark = null;
  }

  @Override
  public void close() {
    Closing.all(lent ? List.of(results) : List.of(results, input));
  }
}
