package io.arrowtensor.benchmarks;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * What the counted rounds of one job gave.
 *
 * @param name of the way it was done
 * @param unit of what was measured, such as rows/s
 * @param values in ascending order
 */
public record JobResult(String name, Map<String, String> params, String unit, List<Double> values) {
  /** Sorts the values. */
  public JobResult {
    values = values.stream().sorted().toList();
  }

  /** The one in the middle. */
  public double median() {
    return (values.get((values.size() - 1) / 2) + values.get(values.size() / 2)) / 2;
  }

  @Override
  public String toString() {
    return "%-20s %s: %s %s (%s to %s)"
        .formatted(
            name,
            params,
            Report.number(median()),
            unit,
            Report.number(values.get(0)),
            Report.number(values.get(values.size() - 1)));
  }

  /**
   * In the layout of JMH's results, so that one renderer reads both.
   *
   * @param jobs names what was measured
   * @param with the engines and their versions
   */
  public static void write(List<JobResult> results, Class<?> jobs, String with, Path file)
      throws IOException {
    Files.createDirectories(file.toAbsolutePath().getParent());
    new ObjectMapper()
        .writerWithDefaultPrettyPrinter()
        .writeValue(
            file.toFile(), results.stream().map(result -> result.json(jobs, with)).toList());
  }

  private Map<String, Object> json(Class<?> jobs, String with) {
    return Map.of(
        "benchmark",
        jobs.getName() + "." + name,
        "mode",
        "thrpt",
        "jdkVersion",
        System.getProperty("java.version"),
        "with",
        with,
        "params",
        params,
        "primaryMetric",
        Map.of("score", median(), "scoreUnit", unit, "rawData", List.of(values)));
  }
}
