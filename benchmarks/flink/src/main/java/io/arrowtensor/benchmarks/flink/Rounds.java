package io.arrowtensor.benchmarks.flink;

import io.arrowtensor.benchmarks.JobResult;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.flink.runtime.minicluster.MiniClusterConfiguration;
import org.apache.flink.runtime.minicluster.RpcServiceSharing;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * Runs ways in turn, one job each per round, on one cluster in this process with a parallelism of 1
 * and object reuse. The first rounds warm up and do not count.
 */
final class Rounds implements AutoCloseable {
  private static final int WARM_UP = Integer.getInteger("warmUp", 3);
  private static final int ROUNDS = Integer.getInteger("rounds", 7);

  /** What is to be run: a regular expression over name and parameters. */
  private static final Predicate<String> CHOSEN =
      Pattern.compile(System.getProperty("ways", ".*")).asPredicate();

  private final MiniCluster cluster;

  Rounds() throws Exception {
    cluster =
        new MiniCluster(
            new MiniClusterConfiguration.Builder()
                .setNumTaskManagers(1)
                .setNumSlotsPerTaskManager(1)
                .setRpcServiceSharing(RpcServiceSharing.SHARED)
                .withRandomPorts()
                .build());
    cluster.start();
  }

  /**
   * Measures all {@code ways}.
   *
   * @throws IllegalStateException unless all give the same mean: to 1e-6 of the same rows, else to
   *     1e-3, as a job of fewer rows may end within what the source repeats
   */
  List<JobResult> measure(List<Way> ways) throws Exception {
    List<Way> chosen = ways.stream().filter(way -> CHOSEN.test(way.name() + way.params())).toList();
    Map<Way, List<Double>> rates = new LinkedHashMap<>();
    Map<Long, Double> means = new LinkedHashMap<>();
    for (int round = -WARM_UP; round < ROUNDS; round++) {
      for (Way way : chosen) {
        run(way);
        double mean = Meter.sum() / way.rows();
        requireNear(means.computeIfAbsent(way.rows(), rows -> mean), mean, 1e-6, way);
        requireNear(means.values().iterator().next(), mean, 1e-3, way);
        if (round >= 0) {
          double rate = way.rows() / Meter.seconds();
          rates.computeIfAbsent(way, w -> new ArrayList<>()).add(rate);
        }
      }
    }
    List<JobResult> results = new ArrayList<>();
    rates.forEach(
        (way, values) -> results.add(new JobResult(way.name(), way.params(), "rows/s", values)));
    results.forEach(System.out::println);
    return results;
  }

  private static void requireNear(double expected, double mean, double part, Way way) {
    if (!(Math.abs(mean - expected) <= part * Math.abs(expected))) {
      throw new IllegalStateException(way.name() + ": mean " + mean + ", expected " + expected);
    }
  }

  /** Runs one job to its end. */
  void run(Way way) throws Exception {
    StreamExecutionEnvironment environment =
        StreamExecutionEnvironment.getExecutionEnvironment().setParallelism(1);
    environment.getConfig().enableObjectReuse();
    way.job().build(environment);
    cluster.executeJobBlocking(environment.getStreamGraph().getJobGraph());
    if (Meter.rows() != way.rows()) {
      throw new IllegalStateException(
          way.name() + ": " + Meter.rows() + " results for " + way.rows() + " rows");
    }
  }

  @Override
  public void close() {
    cluster.closeAsync().join();
  }
}
