package io.arrowtensor.benchmarks.flink;

import java.util.Arrays;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;

/**
 * Measures how long after it was due each result is there. Elements carry as their timestamp the
 * {@link System#nanoTime} at which the source owed them, so a source that comes too late counts.
 */
final class LatencySink<T> implements Sink<T> {
  private static final long serialVersionUID = 1;

  private static volatile long[] sorted = {};

  private final int rows;
  private final int skipped;

  /**
   * @param rows how many there are
   * @param skipped the first of them, which warm up
   */
  LatencySink(int rows, int skipped) {
    this.rows = rows;
    this.skipped = skipped;
  }

  /** Milliseconds that {@code part} of the rows of the last job took at most. */
  static double millis(double part) {
    long[] nanos = sorted;
    return nanos[(int) Math.min(nanos.length - 1, Math.round(part * nanos.length))] / 1e6;
  }

  @Override
  public SinkWriter<T> createWriter(WriterInitContext context) {
    long[] latencies = new long[rows];
    return new SinkWriter<>() {
      private int seen;

      @Override
      public void write(T element, Context context) {
        latencies[seen++] = System.nanoTime() - context.timestamp();
      }

      @Override
      public void flush(boolean endOfInput) {
        if (endOfInput) {
          long[] counted = Arrays.copyOfRange(latencies, skipped, seen);
          Arrays.sort(counted);
          sorted = counted;
          Meter.end(seen, 0);
        }
      }

      @Override
      public void close() {}
    };
  }
}
