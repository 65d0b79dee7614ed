package io.arrowtensor.flink;

import io.arrowtensor.BatchContext;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.OwnedBatch;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.flink.api.common.RuntimeExecutionMode;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.JoinFunction;
import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.connector.source.util.ratelimit.RateLimiterStrategy;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.ExecutionOptions;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.configuration.StateRecoveryOptions;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.Table;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;
import org.apache.flink.table.data.RowData;
import org.apache.flink.types.Row;
import org.jspecify.annotations.Nullable;

/**
 * A job on Flink's MiniCluster: numbered events, scored, into a {@link CommittedSink}. Counters of
 * a run live in this JVM, where the tasks run too.
 */
final class TestJob {
  /** What one run counts, over all its attempts. */
  static final class Counts {
    final AtomicInteger failuresLeft = new AtomicInteger();
    final AtomicInteger opened = new AtomicInteger();
    final AtomicInteger closed = new AtomicInteger();
    final AtomicLong read = new AtomicLong();
    final AtomicLong handedOver = new AtomicLong();
  }

  private static final Map<String, Counts> RUNS = new ConcurrentHashMap<>();

  private final String run;
  private final Configuration configuration = new Configuration();
  private final long rows;
  private int parallelism = 2;
  private int sources = 2;
  private int inFlight;
  private double rowsPerSecond = 100_000;
  private boolean chained = true;
  private boolean keyed;
  private long failAfter = Long.MAX_VALUE;
  private boolean failInFunction;
  private boolean sql;

  TestJob(String run, long rows) {
    this.run = run;
    this.rows = rows;
    configuration.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, Duration.ofMillis(20));
    configuration.set(RestartStrategyOptions.RESTART_STRATEGY, "fixed-delay");
    configuration.set(RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_ATTEMPTS, 10);
    configuration.set(
        RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_DELAY, Duration.ofMillis(50));
  }

  static Counts counts(String run) {
    return RUNS.computeIfAbsent(run, name -> new Counts());
  }

  TestJob parallelism(int parallelism) {
    this.parallelism = parallelism;
    return this;
  }

  /** A source of its own parallelism; what a source has finished cannot be rescaled. */
  TestJob sources(int sources) {
    this.sources = sources;
    return this;
  }

  TestJob inFlight(int batches) {
    this.inFlight = batches;
    return this;
  }

  TestJob rowsPerSecond(double rate) {
    this.rowsPerSecond = rate;
    return this;
  }

  TestJob unaligned(boolean unaligned) {
    Cluster.unaligned(configuration, unaligned);
    return this;
  }

  TestJob mode(RuntimeExecutionMode mode) {
    configuration.set(ExecutionOptions.RUNTIME_MODE, mode);
    return this;
  }

  TestJob objectReuse(boolean reuse) {
    configuration.set(PipelineOptions.OBJECT_REUSE, reuse);
    return this;
  }

  TestJob chained(boolean chained) {
    this.chained = chained;
    return this;
  }

  TestJob keyed(boolean keyed) {
    this.keyed = keyed;
    return this;
  }

  /** Fails {@code times}, each time a task has scored or emitted {@code rows} since its start. */
  TestJob failing(int times, long rows, boolean inFunction) {
    counts(run).failuresLeft.set(times);
    failAfter = rows;
    failInFunction = inFunction;
    return this;
  }

  /**
   * Scores with {@code ML_PREDICT} in place of the operator, in float32, which holds results up to
   * 2^24; failures are behind it.
   */
  TestJob sql() {
    sql = true;
    return this;
  }

  TestJob from(@Nullable String savepoint) {
    if (savepoint != null) {
      configuration.set(StateRecoveryOptions.SAVEPOINT_PATH, savepoint);
    }
    return this;
  }

  Cluster.Job start(Cluster cluster) throws Exception {
    StreamExecutionEnvironment environment =
        StreamExecutionEnvironment.createLocalEnvironment(parallelism, configuration);
    String name = run;
    DataGeneratorSource<Event> source =
        new DataGeneratorSource<>(
            Event::of,
            rows,
            RateLimiterStrategy.perSecond(rowsPerSecond),
            TypeInformation.of(Event.class));
    DataStream<Event> events =
        environment
            .fromSource(source, WatermarkStrategy.noWatermarks(), "events")
            .uid("source")
            .setParallelism(sources)
            .map(
                event -> {
                  counts(name).read.incrementAndGet();
                  return event;
                })
            .returns(Event.class)
            .setParallelism(sources);
    if (keyed) {
      events = events.keyBy(event -> event.id % 7);
    } else if (!chained) {
      events = events.rebalance();
    }
    DataStream<Scored> scored = sql ? predicted(environment, events) : mapped(events);
    scored.sinkTo(new CommittedSink(run)).uid("sink");
    return cluster.start(environment);
  }

  private DataStream<Scored> mapped(DataStream<Event> events) {
    long emittedBeforeFailure = failInFunction ? Long.MAX_VALUE : failAfter;
    return TensorStream.of(events)
        .columns("a", "b")
        .maxRows(64)
        .inFlight(inFlight)
        .maxDelay(Duration.ofMillis(15))
        .map(
            new CountedSum(run, failInFunction ? failAfter : Long.MAX_VALUE),
            new Joining(run, emittedBeforeFailure))
        .uid("scored");
  }

  private DataStream<Scored> predicted(
      StreamExecutionEnvironment environment, DataStream<Event> events) {
    StreamTableEnvironment tables = StreamTableEnvironment.create(environment);
    tables
        .getConfig()
        .set("table.exec.async-ml-predict.max-concurrent-operations", "256")
        .set("tensor.batch.max-rows", "64")
        .set("tensor.batch.max-delay", "15 ms");
    tables.createTemporaryView("events", events);
    tables.executeSql(Models.create("a FLOAT, b DOUBLE", "s FLOAT", "add.onnx", ""));
    Table scored =
        tables.sqlQuery("SELECT id, s FROM ML_PREDICT(TABLE events, MODEL m, DESCRIPTOR(a, b))");
    return tables.toDataStream(scored).map(new Checking(run, failAfter)).uid("scored");
  }

  private static void failOnce(String run, String where) {
    if (counts(run).failuresLeft.getAndDecrement() > 0) {
      throw new IllegalStateException("planned failure while " + where);
    }
  }

  private static final class CountedSum extends Sum {
    private static final long serialVersionUID = 1;
    private final String run;
    private final long failAfter;
    private long rows;

    CountedSum(String run, long failAfter) {
      this.run = run;
      this.failAfter = failAfter;
    }

    @Override
    public void open(BatchContext context) throws Exception {
      super.open(context);
      counts(run).opened.incrementAndGet();
    }

    @Override
    public OwnedBatch apply(DeviceBatch batch) throws Exception {
      counts(run).handedOver.addAndGet(batch.rowCount());
      rows += batch.rowCount();
      if (rows >= failAfter) {
        failOnce(run, "scoring");
      }
      return super.apply(batch);
    }

    @Override
    public void close() {
      counts(run).closed.incrementAndGet();
    }
  }

  private static final class Joining implements JoinFunction<Event, RowData, Scored> {
    private static final long serialVersionUID = 1;
    private final String run;
    private final long failAfter;
    private long rows;

    Joining(String run, long failAfter) {
      this.run = run;
      this.failAfter = failAfter;
    }

    @Override
    public Scored join(Event event, RowData result) {
      if (++rows >= failAfter) {
        failOnce(run, "emitting");
      }
      return new Scored(event.id, result.getDouble(0));
    }
  }

  private static final class Checking implements MapFunction<Row, Scored> {
    private static final long serialVersionUID = 1;
    private final String run;
    private final long failAfter;
    private long rows;

    Checking(String run, long failAfter) {
      this.run = run;
      this.failAfter = failAfter;
    }

    @Override
    public Scored map(Row row) {
      counts(run).handedOver.incrementAndGet();
      if (++rows >= failAfter) {
        failOnce(run, "emitting");
      }
      return new Scored(row.getFieldAs("id"), row.<Float>getFieldAs("s"));
    }
  }
}
