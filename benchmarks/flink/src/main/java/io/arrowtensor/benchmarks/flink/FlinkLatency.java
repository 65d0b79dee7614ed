package io.arrowtensor.benchmarks.flink;

import io.arrowtensor.benchmarks.JobResult;
import io.arrowtensor.benchmarks.Model;
import io.arrowtensor.flink.TensorStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.runtime.util.EnvironmentInformation;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.data.RowData;

/**
 * How long a row waits for its result when the source emits at half of what the operator can do:
 * the median and the 99th of 100 rows, beside the bound, which is the longest wait for other rows
 * and twice the time to compute a batch. {@code benchmarks/run flink-latency} runs it, in the
 * repository's root.
 */
public final class FlinkLatency {
  private static final int SECONDS = Integer.getInteger("seconds", 10);
  private static final int ROUNDS = Integer.getInteger("rounds", 3);
  private static final int BATCH = 1024;
  private static final long CAPACITY_ROWS = 1_000L * BATCH;
  private static final int[] MAX_DELAYS = {5, 50};

  private final Rounds rounds;
  private final Model model;
  private final int maxDelay;

  private FlinkLatency(Rounds rounds, Model model, int maxDelay) {
    this.rounds = rounds;
    this.model = model;
    this.maxDelay = maxDelay;
  }

  /** Measures all and writes the results to the file that the first argument names. */
  public static void main(String[] args) throws Exception {
    List<JobResult> results = new ArrayList<>();
    try (Rounds rounds = new Rounds()) {
      for (Model model : Model.values()) {
        for (int maxDelay : MAX_DELAYS) {
          results.addAll(new FlinkLatency(rounds, model, maxDelay).measure());
        }
      }
    }
    String with = "Flink " + EnvironmentInformation.getVersion();
    JobResult.write(results, FlinkLatency.class, with, Path.of(args[0]));
  }

  private List<JobResult> measure() throws Exception {
    double capacity = capacity();
    long rate = (long) (capacity / 2);
    Map<String, List<Double>> millis = new LinkedHashMap<>();
    for (int round = 0; round < ROUNDS; round++) {
      int rows = Math.toIntExact(rate * SECONDS);
      Timed.takeMillis();
      rounds.run(new Way("paced", Map.of(), rows, environment -> paced(environment, rows, rate)));
      add(millis, "p50", LatencySink.millis(0.5));
      add(millis, "p99", LatencySink.millis(0.99));
      add(millis, "bound", maxDelay + 2 * Timed.takeMillis());
    }
    Map<String, String> params = new LinkedHashMap<>();
    params.put("model", model.name().toLowerCase(java.util.Locale.ROOT));
    params.put("maxDelay", maxDelay + "ms");
    List<JobResult> results = new ArrayList<>();
    millis.forEach((name, values) -> results.add(new JobResult(name, params, "ms", values)));
    results.forEach(System.out::println);
    return results;
  }

  private static void add(Map<String, List<Double>> millis, String name, double value) {
    millis.computeIfAbsent(name, n -> new ArrayList<>()).add(value);
  }

  /** Rows per second of the same job when no row is ever early: the best, so that half is half. */
  private double capacity() throws Exception {
    double best = 0;
    for (int i = 0; i < 4; i++) {
      rounds.run(
          new Way(
              "capacity",
              Map.of(),
              CAPACITY_ROWS,
              environment -> paced(environment, (int) CAPACITY_ROWS, Integer.MAX_VALUE)));
      best = Math.max(best, CAPACITY_ROWS / Meter.seconds());
    }
    return best;
  }

  private void paced(StreamExecutionEnvironment environment, int rows, long rate) {
    stream(environment, rows, rate).sinkTo(new LatencySink<>(rows, rows / 5));
  }

  private org.apache.flink.streaming.api.datastream.DataStream<RowData> stream(
      StreamExecutionEnvironment environment, long rows, long rate) {
    TypeInformation<Flight> type = TypeInformation.of(Flight.class);
    return TensorStream.of(RepeatedRows.stream(environment, Flight.prepared(), rows, rate, type))
        .columns(model.first, model.second)
        .maxRows(BATCH)
        .maxDelay(Duration.ofMillis(maxDelay))
        .map(new Timed(ModelWays.function(model)));
  }
}
