package io.arrowtensor.benchmarks;

import ai.onnxruntime.OrtEnvironment;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.spark.package$;

/**
 * What the counted rounds of one job gave.
 *
 * @param rates rows per second, in ascending order
 */
record JobResult(String name, Map<String, String> params, List<Double> rates) {
  JobResult {
    rates = rates.stream().sorted().toList();
  }

  private double median() {
    return (rates.get((rates.size() - 1) / 2) + rates.get(rates.size() / 2)) / 2;
  }

  @Override
  public String toString() {
    return "%-16s %s: %,.0f rows/s (%,.0f to %,.0f)"
        .formatted(name, params, median(), rates.get(0), rates.get(rates.size() - 1));
  }

  /** In the layout of JMH's results, so that one renderer reads both. */
  static void write(List<JobResult> results, Path file) throws IOException {
    Files.createDirectories(file.toAbsolutePath().getParent());
    new ObjectMapper()
        .writerWithDefaultPrettyPrinter()
        .writeValue(file.toFile(), results.stream().map(JobResult::json).toList());
  }

  private Map<String, Object> json() {
    return Map.of(
        "benchmark",
        SparkScoring.class.getName() + "." + name,
        "mode",
        "thrpt",
        "jdkVersion",
        System.getProperty("java.version"),
        "with",
        "Spark %s, ONNX Runtime %s"
            .formatted(
                package$.MODULE$.SPARK_VERSION(), OrtEnvironment.getEnvironment().getVersion()),
        "params",
        params,
        "primaryMetric",
        Map.of("score", median(), "scoreUnit", "rows/s", "rawData", List.of(rates)));
  }
}
