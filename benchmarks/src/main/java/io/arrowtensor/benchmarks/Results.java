package io.arrowtensor.benchmarks;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;

/**
 * One result file of JMH with what is known of the run.
 *
 * @param name the file's, without ending
 * @param machine versions, processor and cores, in one sentence
 * @param rows in the order of the file
 */
record Results(String name, String machine, List<Row> rows) {

  /**
   * One benchmark with one set of parameters.
   *
   * @param label class, method and parameters
   * @param median of all measured iterations of all forks
   * @param least of them
   * @param most of them
   * @param unit of all three
   * @param garbage bytes allocated on the Java heap for each operation, negative when unknown
   */
  record Row(String label, double median, double least, double most, String unit, double garbage) {}

  /** Reads {@code json}, and the properties file beside it where there is one. */
  static Results read(Path json) throws IOException {
    String name = json.getFileName().toString().replace(".json", "");
    JsonNode runs = new ObjectMapper().readTree(json.toFile());
    List<Row> rows = new ArrayList<>();
    runs.forEach(run -> rows.add(row(run)));
    Properties properties = new Properties();
    Path sidecar = json.resolveSibling(name + ".properties");
    if (Files.exists(sidecar)) {
      try (Reader reader = Files.newBufferedReader(sidecar)) {
        properties.load(reader);
      }
    }
    String jdk = runs.path(0).path("jdkVersion").asText();
    String with = runs.path(0).path("with").asText("");
    String machine =
        String.format(
            "JDK %s%s, Arrow %s, %s cores of %s%s, %s, %s",
            jdk,
            with.isEmpty() ? "" : ", " + with,
            properties.getProperty("arrow"),
            properties.getProperty("cores"),
            properties.getProperty("cpu"),
            properties.containsKey("gpu") ? ", " + properties.getProperty("gpu") : "",
            properties.getProperty("os"),
            properties.getProperty("date"));
    return new Results(name, machine, rows);
  }

  private static Row row(JsonNode run) {
    String[] names = run.path("benchmark").asText().split("\\.", -1);
    String parameters =
        run.path("params").properties().stream()
            .map(entry -> entry.getKey() + "=" + entry.getValue().asText())
            .collect(Collectors.joining(", "));
    String label = names[names.length - 2] + "." + names[names.length - 1];
    JsonNode metric = run.path("primaryMetric");
    double garbage =
        run.path("secondaryMetrics").path("gc.alloc.rate.norm").path("score").asDouble(-1);
    double[] values = sorted(metric.path("rawData"));
    return new Row(
        parameters.isEmpty() ? label : label + " (" + parameters + ")",
        median(values),
        values[0],
        values[values.length - 1],
        metric.path("scoreUnit").asText(),
        garbage);
  }

  private static double[] sorted(JsonNode forks) {
    return StreamSupport.stream(forks.spliterator(), false)
        .flatMap(fork -> StreamSupport.stream(fork.spliterator(), false))
        .mapToDouble(JsonNode::asDouble)
        .sorted()
        .toArray();
  }

  private static double median(double[] values) {
    int middle = values.length / 2;
    return values.length % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
  }
}
