package io.arrowtensor.flink;

import io.arrowtensor.BatchFunction;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.engine.OnnxFunction;
import java.nio.file.Path;
import java.time.Duration;
import org.apache.flink.api.common.accumulators.DoubleCounter;
import org.apache.flink.api.common.accumulators.LongCounter;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.connector.source.util.ratelimit.RateLimiterStrategy;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;

/**
 * The job that {@code src/test/cluster/run} submits to a cluster of processes: adds a and b of
 * numbered events, row by row and in whole batches, and counts rows and sums in accumulators, which
 * Flink's REST interface shows.
 */
public final class ClusterJob {
  static final String ROWS = "rows";
  static final String SUM = "sum";
  static final String ROWS_IN_BATCHES = "rowsInBatches";
  private static final String DEVICE = "device";

  private ClusterJob() {}

  /**
   * Starts the job.
   *
   * @param args rows in all, rows per second or 0 for no limit, rows of a batch, batches in flight,
   *     and what adds a and b: the path of a model, "device" for Java after they went to the task's
   *     device and back, or nothing for Java
   */
  public static void main(String[] args) throws Exception {
    boolean model = args.length > 4 && !args[4].equals(DEVICE);
    BatchFunction function = new Sum();
    if (args.length > 4) {
      function = model ? OnnxFunction.of(Path.of(args[4]).toUri()) : new Moved();
    }
    StreamExecutionEnvironment environment = StreamExecutionEnvironment.getExecutionEnvironment();
    DataGeneratorSource<Event> source =
        new DataGeneratorSource<>(
            Event::of,
            Long.parseLong(args[0]),
            rate(Double.parseDouble(args[1])),
            TypeInformation.of(Event.class));
    TensorStream<Event> scoring =
        TensorStream.of(environment.fromSource(source, WatermarkStrategy.noWatermarks(), "events"))
            .columns("a", "b")
            .maxRows(Integer.parseInt(args[2]))
            .inFlight(Integer.parseInt(args[3]))
            .maxDelay(Duration.ofSeconds(10));
    scoring
        .map(
            function,
            (event, result) ->
                new Scored(event.id, model ? result.getFloat(0) : result.getDouble(0)))
        .name("scored")
        .map(new Counting())
        .name("counted")
        .sinkTo(new DiscardingSink<>());
    scoring.mapBatches(function).map(new CountingBatches()).sinkTo(new DiscardingSink<>());
    environment.execute("cluster job");
  }

  private static final class Counting extends RichMapFunction<Scored, Scored> {
    private static final long serialVersionUID = 1;
    private final LongCounter rows = new LongCounter();
    private final DoubleCounter sum = new DoubleCounter();

    @Override
    public void open(OpenContext context) {
      getRuntimeContext().addAccumulator(ROWS, rows);
      getRuntimeContext().addAccumulator(SUM, sum);
    }

    @Override
    public Scored map(Scored scored) {
      rows.add(1);
      sum.add(scored.sum);
      return scored;
    }
  }

  /** Forgets the batches, so that the connector frees them when they are unreachable. */
  private static final class CountingBatches extends RichMapFunction<OwnedBatch, Long> {
    private static final long serialVersionUID = 1;
    private final LongCounter rows = new LongCounter();

    @Override
    public void open(OpenContext context) {
      getRuntimeContext().addAccumulator(ROWS_IN_BATCHES, rows);
    }

    @Override
    public Long map(OwnedBatch batch) {
      rows.add(batch.rowCount());
      return batch.rowCount();
    }
  }

  /** Flink's limit takes another thread for each row, however high it is. */
  private static RateLimiterStrategy<?> rate(double perSecond) {
    return perSecond == 0 ? RateLimiterStrategy.noOp() : RateLimiterStrategy.perSecond(perSecond);
  }
}
