package io.arrowtensor.quickstart;

import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Metric;
import org.apache.flink.metrics.MetricConfig;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.metrics.reporter.MetricReporter;
import org.apache.flink.metrics.reporter.MetricReporterFactory;

/** Reads the connector's figures as every reporter of Flink's metrics gets them. */
public final class Figures implements MetricReporter, MetricReporterFactory {
  private static final String COPIED = ".copiedBytes.";
  private static final Map<String, Counter> COUNTERS = new ConcurrentHashMap<>();

  /** Made by Flink, as the factory and as the reporter. */
  public Figures() {}

  /** Asks Flink to report to this class. */
  static void report(Configuration configuration) {
    configuration.setString("metrics.reporter.quickstart.factory.class", Figures.class.getName());
  }

  @Override
  public MetricReporter createMetricReporter(Properties properties) {
    return new Figures();
  }

  @Override
  public void notifyOfAddedMetric(Metric metric, String name, MetricGroup group) {
    String identifier = group.getMetricIdentifier(name);
    if (metric instanceof Counter counter && identifier.contains(COPIED)) {
      COUNTERS.put(identifier, counter);
    }
  }

  /** Figures of a job are read when it is over. */
  @Override
  public void notifyOfRemovedMetric(Metric metric, String name, MetricGroup group) {}

  @Override
  public void open(MetricConfig config) {}

  @Override
  public void close() {}

  /** Forgets the figures of the job before. */
  static void clear() {
    COUNTERS.clear();
  }

  static long copiedBytes() {
    return COUNTERS.values().stream().mapToLong(Counter::getCount).sum();
  }

  /** One line for each reason for which bytes were copied on their way to the model. */
  static String table() {
    Map<String, Long> byReason = new TreeMap<>();
    COUNTERS.forEach(
        (identifier, counter) ->
            byReason.merge(
                identifier.substring(identifier.indexOf(COPIED) + COPIED.length()),
                counter.getCount(),
                Long::sum));
    StringBuilder lines = new StringBuilder();
    byReason.forEach(
        (reason, bytes) -> {
          if (bytes > 0) {
            lines.append(String.format("  %,15d bytes copied: %s%n", bytes, reason));
          }
        });
    return lines.toString();
  }
}
