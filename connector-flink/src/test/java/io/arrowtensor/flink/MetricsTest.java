package io.arrowtensor.flink;

import static org.assertj.core.api.Assertions.assertThat;

import io.arrowtensor.CopyReason;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.Outcome;
import io.arrowtensor.OwnedBatch;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.apache.flink.api.common.eventtime.WatermarkGenerator;
import org.apache.flink.api.common.eventtime.WatermarkOutput;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.Histogram;
import org.apache.flink.metrics.Metric;
import org.apache.flink.runtime.testutils.InMemoryReporter;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What Flink's reporters and web UI are told. */
@ExtendWith(NothingHeld.class)
@Timeout(120)
class MetricsTest {
  private static final int ROWS = 2500;

  /** The metrics of the operator in a job that ended, by name. */
  private static Map<String, Metric> metrics(Sum function) throws Exception {
    return metrics(
        events ->
            events
                .maxRows(1000)
                .maxDelay(Duration.ofHours(1))
                .map(function)
                .name("scored")
                .map(row -> row.getDouble(0)));
  }

  /** The metrics of the operator called {@code scored}. */
  private static Map<String, Metric> metrics(Function<TensorStream<Event>, DataStream<?>> job)
      throws Exception {
    return metrics(events -> events, job);
  }

  private static Map<String, Metric> metrics(
      UnaryOperator<DataStream<Event>> marks, Function<TensorStream<Event>, DataStream<?>> job)
      throws Exception {
    InMemoryReporter reporter = InMemoryReporter.createWithRetainedMetrics();
    Configuration configuration = reporter.addToConfiguration(new Configuration());
    StreamExecutionEnvironment environment =
        StreamExecutionEnvironment.createLocalEnvironment(1, configuration);
    DataStream<Event> events =
        environment
            .fromSequence(0, ROWS - 1)
            .map(Event::of)
            .returns(TypeInformation.of(Event.class));
    job.apply(TensorStream.of(marks.apply(events)).columns("a", "b"))
        .sinkTo(new DiscardingSink<>());
    environment.execute();
    String prefix = ".scored.0.";
    Map<String, Metric> found = new TreeMap<>();
    reporter
        .getMetricsByGroup()
        .forEach(
            (group, metrics) ->
                metrics.forEach(
                    (name, metric) -> {
                      String identifier = group.getMetricIdentifier(name);
                      int at = identifier.indexOf(prefix);
                      if (at >= 0) {
                        found.put(identifier.substring(at + prefix.length()), metric);
                      }
                    }));
    return found;
  }

  private static long count(Map<String, Metric> metrics, String name) {
    assertThat(metrics).as("metrics").containsKey(name);
    return ((Counter) metrics.get(name)).getCount();
  }

  @Test
  void everyFigureHasItsNameAndItsValue() throws Exception {
    Map<String, Metric> metrics = metrics(new Sum());
    assertThat(count(metrics, "batches")).as("batches").isEqualTo(3);
    assertThat(count(metrics, "rows")).as("rows").isEqualTo(ROWS);
    assertThat(count(metrics, "zeroCopyBytes")).as("zero copy").isZero();
    assertThat(count(metrics, "decodedBytes")).as("decoded").isZero();
    assertThat(count(metrics, "functionTime")).as("ns").isPositive();
    assertThat(count(metrics, "modelLoadTime")).as("ns").isZero();
    for (CopyReason reason : CopyReason.values()) {
      if (reason != CopyReason.DICTIONARY) {
        assertThat(count(metrics, "copiedBytes." + reason))
            .as("copied: %s", reason)
            .isEqualTo(reason == CopyReason.ROWS ? ROWS * (4L + 8L) : 0);
      }
    }
    assertThat(count(metrics, "flushes.size")).as("full batches").isEqualTo(2);
    List<Long> others =
        List.of("time", "barrier", "end", "idle", "watermark").stream()
            .map(cause -> count(metrics, "flushes." + cause))
            .toList();
    assertThat(others.stream().mapToLong(Long::longValue).sum()).as("the rest, once").isEqualTo(1);
    assertThat(((Gauge<?>) metrics.get("queueDepth")).getValue()).as("at the end").isEqualTo(0);
    Histogram rows = (Histogram) metrics.get("rowsPerBatch");
    assertThat(rows.getCount()).as("batches in the histogram").isEqualTo(3);
    assertThat(rows.getStatistics().getMax()).as("largest").isEqualTo(1000);
    assertThat(rows.getStatistics().getMin()).as("smallest").isEqualTo(500);
  }

  /** Idle after event 3, active again after event 5. */
  private static final class Pausing implements WatermarkGenerator<Event> {
    @Override
    public void onEvent(Event event, long timestamp, WatermarkOutput output) {
      if (event.id == 3) {
        output.markIdle();
      } else if (event.id == 5) {
        output.markActive();
      }
    }

    @Override
    public void onPeriodicEmit(WatermarkOutput output) {}
  }

  @Test
  void theEndOfAPauseIsNoPause() throws Exception {
    Map<String, Metric> metrics =
        metrics(
            events ->
                events.assignTimestampsAndWatermarks(
                    WatermarkStrategy.forGenerator(context -> new Pausing())),
            events ->
                events
                    .maxRows(1000)
                    .maxDelay(Duration.ofHours(1))
                    .map(new Sum())
                    .name("scored")
                    .map(row -> row.getDouble(0)));
    assertThat(count(metrics, "flushes.idle")).as("pauses").isEqualTo(1);
    assertThat(count(metrics, "flushes.size")).as("full batches").isEqualTo(2);
    assertThat(count(metrics, "flushes.watermark") + count(metrics, "flushes.end"))
        .as("the end of the pause, and of the input")
        .isEqualTo(2);
  }

  @Test
  void whatIsKeptOfRowsIsCopiedOnceMore() throws Exception {
    Map<String, Metric> metrics =
        metrics(events -> events.mapBatches(new Sum(), "id").name("scored"));
    assertThat(count(metrics, "copiedBytes.ROWS")).as("arguments").isEqualTo(ROWS * (4L + 8L));
    assertThat(count(metrics, "copiedBytes.BORROWED")).as("ids").isEqualTo(ROWS * 8L);
    assertThat(count(metrics, "batches")).as("batches").isPositive();
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void batchesThatAreScoredAsTheyAreAreNotCopied(boolean chained) throws Exception {
    Map<String, Metric> metrics =
        metrics(
            events -> {
              DataStream<OwnedBatch> batches = events.mapBatches(new Sum(), "id");
              return TensorStream.of(chained ? batches : batches.rebalance())
                  .columns("y")
                  .mapBatches(new Sum("z"), "id")
                  .name("scored");
            });
    assertThat(count(metrics, "zeroCopyBytes"))
        .as("at least arguments")
        .isGreaterThanOrEqualTo(ROWS * 8L);
    for (CopyReason reason : CopyReason.values()) {
      if (reason != CopyReason.DICTIONARY) {
        assertThat(count(metrics, "copiedBytes." + reason)).as("copied: %s", reason).isZero();
      }
    }
    assertThat(count(metrics, "rows")).as("rows").isEqualTo(ROWS);
  }

  @Test
  void anEnginesOwnCountReplacesTheHandover() throws Exception {
    Map<String, Metric> metrics = metrics(new Packing());
    assertThat(count(metrics, "copiedBytes.PACKED")).as("packed").isEqualTo(7L * ROWS);
    assertThat(count(metrics, "copiedBytes.ROWS")).as("rows").isZero();
    assertThat(count(metrics, "modelLoadTime")).as("ns").isEqualTo(3_000_000);
  }

  private static final class Packing extends Sum {
    private static final long serialVersionUID = 1;

    @Override
    public OwnedBatch apply(DeviceBatch batch) throws Exception {
      context.countModelLoad(1_000_000);
      context.count(Outcome.copied(7 * batch.rowCount(), CopyReason.PACKED));
      return super.apply(batch);
    }
  }
}
