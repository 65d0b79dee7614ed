package io.arrowtensor.flink;

import static org.assertj.core.api.Assertions.assertThat;

import io.arrowtensor.CopyReason;
import io.arrowtensor.internal.CallFigures;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.connector.source.util.ratelimit.RateLimiterStrategy;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.MetricOptions;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The figures of a running job over Flink's REST interface, from which its web UI draws them. */
@ExtendWith(NothingHeld.class)
@Timeout(120)
class RestTest {
  @RegisterExtension
  static final Cluster CLUSTER =
      new Cluster(
          new Configuration()
              .set(MetricOptions.METRIC_FETCHER_UPDATE_INTERVAL, Duration.ofMillis(100)));

  private static final Pattern ID = Pattern.compile("\"id\":\"([^\"]+)\"");
  private static final HttpClient HTTP = HttpClient.newHttpClient();

  private static String read(String path) {
    HttpRequest request = HttpRequest.newBuilder(URI.create(CLUSTER.restAddress() + path)).build();
    try {
      return HTTP.send(request, HttpResponse.BodyHandlers.ofString()).body();
    } catch (IOException | InterruptedException e) {
      throw new AssertionError("cannot read " + path, e);
    }
  }

  private static List<String> ids(String json) {
    List<String> ids = new ArrayList<>();
    Matcher matcher = ID.matcher(json);
    while (matcher.find()) {
      ids.add(matcher.group(1));
    }
    return ids;
  }

  /** The names below {@code Tensor Sum(a, b)} of subtask 0, as the web UI lists them. */
  private static Set<String> names(String metrics) {
    Set<String> names = new TreeSet<>();
    for (String id : ids(read(metrics))) {
      Matcher matcher = Pattern.compile("0\\.Tensor_Sum\\(a__b\\)\\.(.*)").matcher(id);
      if (matcher.matches()) {
        names.add(matcher.group(1));
      }
    }
    return names;
  }

  @Test
  void everyFigureIsThereUnderTheNameInTheDocument() throws Exception {
    StreamExecutionEnvironment environment = StreamExecutionEnvironment.createLocalEnvironment(1);
    DataGeneratorSource<Event> source =
        new DataGeneratorSource<>(
            Event::of,
            Long.MAX_VALUE,
            RateLimiterStrategy.perSecond(10_000),
            TypeInformation.of(Event.class));
    TensorStream.of(environment.fromSource(source, WatermarkStrategy.noWatermarks(), "events"))
        .columns("a", "b")
        .maxRows(64)
        .map(new Sum())
        .sinkTo(new DiscardingSink<>());
    Cluster.Job job = CLUSTER.start(environment);
    String plan = "/jobs/" + job.id() + "/plan";
    Cluster.await("the job has a plan", () -> !ids(read(plan)).isEmpty());
    String vertex = ids(read(plan)).get(0);
    String metrics = "/jobs/" + job.id() + "/vertices/" + vertex + "/metrics";
    Cluster.await("the figures are fetched", () -> names(metrics).contains("queueDepth"));
    Set<String> names = names(metrics);
    assertThat(names)
        .as("figures")
        .contains("batches", "rows", "zeroCopyBytes", "decodedBytes", "functionTime")
        .contains("modelLoadTime", "queueDepth", "rowsPerBatch_p99", "rowsPerBatch_max");
    for (CopyReason reason : CallFigures.copyReasons()) {
      assertThat(names).as("figures").contains("copiedBytes." + reason);
    }
    String document = Files.readString(Path.of("../docs/flink.md"));
    for (FlushCause cause : FlushCause.values()) {
      assertThat(names).as("figures").contains("flushes." + cause.metric());
      assertThat(document).as("docs/flink.md").contains("`flushes." + cause.metric() + "`");
    }
    String batches = metrics + "?get=0.Tensor_Sum(a__b).batches";
    Cluster.await("a figure grows", () -> read(batches).matches(".*\"value\":\"[1-9][0-9]*\".*"));
    job.cancel();
  }
}
