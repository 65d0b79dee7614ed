package io.arrowtensor.flink;

import static org.assertj.core.api.Assertions.assertThat;

import io.arrowtensor.OwnedBatch;
import io.arrowtensor.internal.RawMemory;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.LongStream;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.FlatMapFunction;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.connector.source.util.ratelimit.RateLimiterStrategy;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.streaming.api.datastream.AsyncDataStream;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.streaming.api.functions.ProcessFunction;
import org.apache.flink.streaming.api.functions.async.AsyncFunction;
import org.apache.flink.streaming.api.functions.async.ResultFuture;
import org.apache.flink.util.Collector;
import org.apache.flink.util.OutputTag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Whole batches on every way that Flink has from one operator to another. */
@ExtendWith(NothingHeld.class)
@Timeout(120)
class BatchRoutesTest {
  @RegisterExtension static final Cluster CLUSTER = new Cluster();

  private static final long ROWS = 20_000;
  private static final AtomicInteger FAILURES_LEFT = new AtomicInteger();

  private static long first(OwnedBatch batch) {
    return RawMemory.longAt(batch.column("id").values().address());
  }

  /** Every second batch leaves by the side. */
  private static final class Split extends ProcessFunction<OwnedBatch, OwnedBatch> {
    private static final long serialVersionUID = 1;
    private final OutputTag<OwnedBatch> side;

    Split(OutputTag<OwnedBatch> side) {
      this.side = side;
    }

    @Override
    public void processElement(
        OwnedBatch batch,
        ProcessFunction<OwnedBatch, OwnedBatch>.Context context,
        Collector<OwnedBatch> out) {
      if (first(batch) % 128 == 0) {
        context.output(side, batch);
      } else {
        out.collect(batch);
      }
    }
  }

  /** Answers on another thread, when the task has gone on. */
  private static final class Later implements AsyncFunction<OwnedBatch, OwnedBatch> {
    private static final long serialVersionUID = 1;

    @Override
    public void asyncInvoke(OwnedBatch batch, ResultFuture<OwnedBatch> result) {
      CompletableFuture<Void> unused =
          CompletableFuture.runAsync(() -> result.complete(List.of(batch)));
    }
  }

  /** Emits what came before, and keeps what comes; the last batches leave by a timer. */
  private static final class KeepLast extends KeyedProcessFunction<Long, OwnedBatch, OwnedBatch> {
    private static final long serialVersionUID = 1;
    private final BatchTypeInfo type;
    private transient ValueState<OwnedBatch> last;
    private long seen;

    KeepLast(BatchTypeInfo type) {
      this.type = type;
    }

    @Override
    public void open(OpenContext context) {
      last = getRuntimeContext().getState(new ValueStateDescriptor<>("last", type));
    }

    @Override
    public void processElement(
        OwnedBatch batch,
        KeyedProcessFunction<Long, OwnedBatch, OwnedBatch>.Context context,
        Collector<OwnedBatch> out)
        throws Exception {
      if (++seen == 40 && FAILURES_LEFT.getAndDecrement() > 0) {
        throw new IllegalStateException("planned failure");
      }
      emit(out);
      last.update(batch);
      context.timerService().registerEventTimeTimer(Long.MAX_VALUE);
    }

    @Override
    public void onTimer(long time, OnTimerContext context, Collector<OwnedBatch> out)
        throws Exception {
      emit(out);
    }

    private void emit(Collector<OwnedBatch> out) throws Exception {
      OwnedBatch before = last.value();
      if (before != null) {
        out.collect(before);
      }
      last.clear();
    }
  }

  private static final class Rows implements FlatMapFunction<OwnedBatch, Scored> {
    private static final long serialVersionUID = 1;

    @Override
    public void flatMap(OwnedBatch batch, Collector<Scored> out) {
      for (int row = 0; row < batch.rowCount(); row++) {
        out.collect(
            new Scored(
                RawMemory.longAt(batch.column("id").values().address() + 8L * row),
                RawMemory.doubleAt(batch.column("z").values().address() + 8L * row)));
      }
    }
  }

  private static StreamExecutionEnvironment environment(boolean reuse, String backend) {
    Configuration configuration = new Configuration();
    configuration.set(PipelineOptions.OBJECT_REUSE, reuse);
    configuration.set(org.apache.flink.configuration.StateBackendOptions.STATE_BACKEND, backend);
    configuration.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, Duration.ofMillis(20));
    configuration.set(RestartStrategyOptions.RESTART_STRATEGY, "fixed-delay");
    configuration.set(RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_ATTEMPTS, 5);
    configuration.set(
        RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_DELAY, Duration.ofMillis(50));
    return StreamExecutionEnvironment.createLocalEnvironment(2, configuration);
  }

  private static SingleOutputStreamOperator<OwnedBatch> batches(
      StreamExecutionEnvironment environment) {
    DataGeneratorSource<Event> source =
        new DataGeneratorSource<>(
            Event::of,
            ROWS,
            RateLimiterStrategy.perSecond(20_000),
            TypeInformation.of(Event.class));
    DataStream<Event> events =
        environment
            .fromSource(source, WatermarkStrategy.noWatermarks(), "events")
            .setParallelism(1)
            .map(event -> event)
            .returns(Event.class)
            .setParallelism(1);
    return TensorStream.of(events)
        .columns("a", "b")
        .maxRows(64)
        .mapBatches(new Sum(), "id")
        .setParallelism(1);
  }

  @ParameterizedTest
  @CsvSource({"true, hashmap, 0", "false, hashmap, 2", "true, rocksdb, 2"})
  void nothingIsLostOrRepeatedOnAnyWay(boolean reuse, String backend, int inFlight)
      throws Exception {
    String run = "routes " + reuse + backend + inFlight;
    FAILURES_LEFT.set(1);
    StreamExecutionEnvironment environment = environment(reuse, backend);
    SingleOutputStreamOperator<OwnedBatch> batches = batches(environment);
    BatchTypeInfo type = (BatchTypeInfo) batches.getType();
    OutputTag<OwnedBatch> side = new OutputTag<>("side", type);
    SingleOutputStreamOperator<OwnedBatch> main =
        batches.process(new Split(side)).returns(type).setParallelism(1);
    DataStream<OwnedBatch> joined = main.union(main.getSideOutput(side)).rebalance();
    DataStream<OwnedBatch> kept =
        AsyncDataStream.orderedWait(joined, new Later(), 60, TimeUnit.SECONDS, 10)
            .returns(type)
            .keyBy(batch -> first(batch) / 64 % 5)
            .process(new KeepLast(type))
            .returns(type);
    TensorStream.of(kept)
        .columns("y")
        .inFlight(inFlight)
        .mapBatches(new Sum("z"), "id")
        .flatMap(new Rows())
        .returns(Scored.class)
        .sinkTo(new CommittedSink(run));
    CLUSTER.start(environment).awaitEnd(JobStatus.FINISHED);
    assertThat(CommittedSink.committed(run)).containsExactly(LongStream.range(0, ROWS).toArray());
    assertThat(FAILURES_LEFT.get()).as("failures left").isNotPositive();
  }
}
