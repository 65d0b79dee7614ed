package io.arrowtensor.benchmarks;

import ai.onnxruntime.OrtEnvironment;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.stream.Stream;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.spark.sql.SparkSession;

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

  /** In the layout of JMH's results, with what is known of the run in a properties file beside. */
  static void write(List<JobResult> results, SparkSession spark, Path file) throws IOException {
    Files.createDirectories(file.toAbsolutePath().getParent());
    new ObjectMapper()
        .writerWithDefaultPrettyPrinter()
        .writeValue(file.toFile(), results.stream().map(JobResult::json).toList());
    Properties run = new Properties();
    run.setProperty("date", LocalDate.now(ZoneOffset.UTC).toString());
    run.setProperty("cpu", cpu());
    run.setProperty("cores", String.valueOf(Runtime.getRuntime().availableProcessors()));
    run.setProperty("os", System.getProperty("os.name") + " " + System.getProperty("os.version"));
    run.setProperty("arrow", BufferAllocator.class.getPackage().getImplementationVersion());
    run.setProperty(
        "with",
        "Spark %s, ONNX Runtime %s"
            .formatted(spark.version(), OrtEnvironment.getEnvironment().getVersion()));
    Path beside =
        file.resolveSibling(file.getFileName().toString().replace(".json", ".properties"));
    try (Writer writer = Files.newBufferedWriter(beside)) {
      run.store(writer, null);
    }
  }

  private Map<String, Object> json() {
    return Map.of(
        "benchmark",
        SparkScoring.class.getName() + "." + name,
        "mode",
        "thrpt",
        "jdkVersion",
        System.getProperty("java.version"),
        "params",
        params,
        "primaryMetric",
        Map.of("score", median(), "scoreUnit", "rows/s", "rawData", List.of(rates)));
  }

  private static String cpu() throws IOException {
    Path known = Path.of("/proc/cpuinfo");
    try (Stream<String> lines = Files.exists(known) ? Files.lines(known) : Stream.of()) {
      return lines
          .filter(line -> line.startsWith("model name"))
          .map(line -> line.substring(line.indexOf(':') + 2))
          .findFirst()
          .orElse(System.getProperty("os.arch"));
    }
  }
}
