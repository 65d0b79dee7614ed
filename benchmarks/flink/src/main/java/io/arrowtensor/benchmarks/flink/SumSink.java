package io.arrowtensor.benchmarks.flink;

import java.io.Serializable;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;

/** Adds up what a job computes, and stops the {@link Meter} behind the last element. */
final class SumSink<T> implements Sink<T> {
  private static final long serialVersionUID = 1;

  private final Summand<T> summand;

  SumSink(Summand<T> summand) {
    this.summand = summand;
  }

  /** What one element adds. */
  @FunctionalInterface
  interface Summand<T> extends Serializable {
    /** Adds the results in {@code element} to {@code total}. */
    void addTo(Total total, T element);
  }

  /** What the sink has seen. */
  static final class Total {
    private long rows;
    private double sum;

    /** Whether no result has come yet. */
    boolean isEmpty() {
      return rows == 0;
    }

    /** Adds one result. */
    void add(double value) {
      rows++;
      sum += value;
    }
  }

  @Override
  public SinkWriter<T> createWriter(WriterInitContext context) {
    Total total = new Total();
    Meter.start();
    return new SinkWriter<>() {
      @Override
      public void write(T element, Context unused) {
        summand.addTo(total, element);
      }

      @Override
      public void flush(boolean endOfInput) {
        if (endOfInput) {
          Meter.end(total.rows, total.sum);
        }
      }

      @Override
      public void close() {}
    };
  }
}
