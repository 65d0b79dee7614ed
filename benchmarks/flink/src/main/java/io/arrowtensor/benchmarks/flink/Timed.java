package io.arrowtensor.benchmarks.flink;

import io.arrowtensor.BatchContext;
import io.arrowtensor.BatchFunction;
import io.arrowtensor.BatchSchema;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.FileAccess;
import io.arrowtensor.OwnedBatch;
import java.util.concurrent.atomic.AtomicLong;

/** A function, and how long its batches took in this process. */
final class Timed implements BatchFunction {
  private static final long serialVersionUID = 1;
  private static final AtomicLong BATCHES = new AtomicLong();
  private static final AtomicLong NANOS = new AtomicLong();

  private final BatchFunction function;

  Timed(BatchFunction function) {
    this.function = function;
  }

  /** Mean milliseconds of a batch since the last call. */
  static double takeMillis() {
    return NANOS.getAndSet(0) / 1e6 / BATCHES.getAndSet(0);
  }

  @Override
  public BatchSchema resultSchema(BatchSchema input, FileAccess files) {
    return function.resultSchema(input, files);
  }

  @Override
  public boolean readsValidity() {
    return function.readsValidity();
  }

  @Override
  public boolean readsStrides() {
    return function.readsStrides();
  }

  @Override
  public void open(BatchContext context) throws Exception {
    function.open(context);
  }

  @Override
  public OwnedBatch apply(DeviceBatch batch) throws Exception {
    long start = System.nanoTime();
    OwnedBatch results = function.apply(batch);
    NANOS.addAndGet(System.nanoTime() - start);
    BATCHES.incrementAndGet();
    return results;
  }

  @Override
  public void close() {
    try {
      function.close();
    } catch (Exception e) {
      throw new IllegalStateException("Cannot close " + function, e);
    }
  }
}
