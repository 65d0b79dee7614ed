package io.arrowtensor.quickstart;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.types.Row;
import org.jspecify.annotations.Nullable;

/**
 * What a job's sink got, and when. It lives in this process, where local Flink runs its tasks; the
 * job's one sink fills it, and it is read when the job is over.
 */
final class Received {
  private static final Map<Integer, Received> ALL = new ConcurrentHashMap<>();

  private final int id = ALL.size();
  private final long expected;
  private final List<Row> rows = new ArrayList<>();
  private long[] nanos = new long[1024];
  private int timed;
  private long begin = Long.MAX_VALUE;
  private long end;

  /** {@code expected} rows will come. */
  Received(long expected) {
    this.expected = expected;
    ALL.put(id, this);
  }

  /** A sink for this process. */
  Sink<Row> sink() {
    return new Collecting(id);
  }

  /** The rows in the order in which they came. */
  List<Row> rows() {
    return rows;
  }

  private void add(Row row, @Nullable Long read) {
    end = System.nanoTime();
    begin = Math.min(begin, read == null ? end : read);
    if (read != null) {
      if (timed == nanos.length) {
        nanos = Arrays.copyOf(nanos, 2 * nanos.length);
      }
      nanos[timed++] = end - read;
    }
    rows.add(row);
    if (rows.size() == expected || rows.size() % (expected / 5 + 1) == 0) {
      System.out.printf("scored %,d of %,d rows%n", rows.size(), expected);
    }
  }

  /** From the first record's reading, where its time tells that, else the first answer. */
  long rowsPerSecond() {
    return Math.round(rows.size() * 1e9 / Math.max(1, end - begin));
  }

  /** The time from a record's reading to its answer that {@code share} of them stayed below. */
  double millis(double share) {
    long[] sorted = Arrays.copyOf(nanos, timed);
    Arrays.sort(sorted);
    return timed == 0 ? 0 : sorted[(int) Math.ceil(share * timed) - 1] / 1e6;
  }

  /** A line or two for the console. */
  String summary() {
    String since = timed == 0 ? "the first answer" : "the reading of the first record";
    String speed = "  %,15d rows per second from %s on%n".formatted(rowsPerSecond(), since);
    return timed == 0
        ? speed
        : speed
            + ("  %15.1f ms from reading to answer for half of them, %.1f ms for 90 %%, %.1f ms for"
                    + " 99 %%, %.1f ms at most%n")
                .formatted(millis(0.5), millis(0.9), millis(0.99), millis(1));
  }

  private record Collecting(int id) implements Sink<Row> {
    @Override
    public SinkWriter<Row> createWriter(WriterInitContext context) {
      Received all = ALL.get(id);
      return new SinkWriter<>() {
        @Override
        public void write(Row row, Context element) {
          all.add(row, element.timestamp());
        }

        @Override
        public void flush(boolean endOfInput) {}

        @Override
        public void close() {}
      };
    }
  }
}
