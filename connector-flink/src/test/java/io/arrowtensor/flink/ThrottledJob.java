package io.arrowtensor.flink;

import io.arrowtensor.DeviceBatch;
import io.arrowtensor.OwnedBatch;
import java.io.Serializable;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;

/**
 * A source as fast as it can be, the operator, and a sink that takes a row now and then, each in a
 * task of its own; marks before and behind the operator count rows and note barriers. What a run
 * counts lives in this JVM, where the tasks run too.
 *
 * @param run names the counts
 * @param inFlight of the operator
 * @param unaligned whether barriers overtake rows
 * @param pauseNanos how long the sink takes for a row
 * @param functionNanos how long the function takes for a batch
 */
record ThrottledJob(
    String run, int inFlight, boolean unaligned, long pauseNanos, long functionNanos)
    implements Serializable {
  static final int BATCH = 64;

  /** Where a barrier or a row is counted. */
  enum Place {
    /** It leaves the source's task. */
    SENT,
    /** It comes to the operator. */
    IN,
    /** It has left the operator. */
    OUT
  }

  /** What one run counts. */
  static final class Counts {
    final AtomicLong read = new AtomicLong();
    final AtomicLong sunk = new AtomicLong();

    /** Rows in the operator at most, and those that left it while a barrier waited there. */
    final AtomicLong mostGathered = new AtomicLong();

    final AtomicLong mostBeforeBarrier = new AtomicLong();

    /** Rows that left the operator since the source's task sent a barrier, for each of these. */
    final List<Long> sinceSent = new CopyOnWriteArrayList<>();

    final AtomicLong barriers = new AtomicLong();
    private final AtomicLong in = new AtomicLong();
    private final AtomicLong out = new AtomicLong();
    private final Map<Long, Long> outWhenSent = new ConcurrentHashMap<>();
    private volatile long outWhenBarrierCame;

    private void row(Place place) {
      switch (place) {
        case SENT -> read.incrementAndGet();
        case IN -> mostGathered.accumulateAndGet(in.incrementAndGet() - out.get(), Math::max);
        case OUT -> out.incrementAndGet();
      }
    }

    private void barrier(Place place, long id) {
      switch (place) {
        case SENT -> outWhenSent.putIfAbsent(id, out.get());
        case IN -> outWhenBarrierCame = out.get();
        case OUT -> {
          long now = out.get();
          mostBeforeBarrier.accumulateAndGet(now - outWhenBarrierCame, Math::max);
          sinceSent.add(now - outWhenSent.get(id));
          barriers.incrementAndGet();
        }
      }
    }
  }

  private static final Map<String, Counts> RUNS = new ConcurrentHashMap<>();

  Counts counts() {
    return RUNS.computeIfAbsent(run, name -> new Counts());
  }

  Cluster.Job start(Cluster cluster) throws Exception {
    Configuration configuration = new Configuration();
    configuration.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, Duration.ofMillis(20));
    configuration.set(CheckpointingOptions.ENABLE_UNALIGNED, unaligned);
    StreamExecutionEnvironment environment =
        StreamExecutionEnvironment.createLocalEnvironment(1, configuration);
    DataGeneratorSource<Event> source =
        new DataGeneratorSource<>(Event::of, Long.MAX_VALUE, TypeInformation.of(Event.class));
    DataStream<Event> events =
        mark(environment.fromSource(source, WatermarkStrategy.noWatermarks(), "events"), Place.SENT)
            .rebalance();
    DataStream<Scored> scored =
        TensorStream.of(mark(events, Place.IN))
            .columns("a", "b")
            .maxRows(BATCH)
            .inFlight(inFlight)
            .maxDelay(Duration.ofMillis(100))
            .map(
                new Slow(functionNanos),
                (event, result) -> new Scored(event.id, result.getDouble(0)));
    mark(scored, Place.OUT).rebalance().sinkTo(new Throttled(this));
    return cluster.start(environment);
  }

  private <T> DataStream<T> mark(DataStream<T> stream, Place place) {
    return stream.transform(place.name(), stream.getType(), new Mark<>(this, place));
  }

  /** Passes everything on. */
  private static final class Mark<T> extends AbstractStreamOperator<T>
      implements OneInputStreamOperator<T, T> {
    private static final long serialVersionUID = 1;
    private final ThrottledJob job;
    private final Place place;

    Mark(ThrottledJob job, Place place) {
      this.job = job;
      this.place = place;
    }

    @Override
    public void processElement(StreamRecord<T> element) {
      job.counts().row(place);
      output.collect(element);
    }

    /** Operators of a chain are called from the first to the last. */
    @Override
    public void prepareSnapshotPreBarrier(long checkpointId) {
      job.counts().barrier(place, checkpointId);
    }
  }

  private static final class Slow extends Sum {
    private static final long serialVersionUID = 1;
    private final long nanos;

    Slow(long nanos) {
      this.nanos = nanos;
    }

    @Override
    public OwnedBatch apply(DeviceBatch batch) throws Exception {
      LockSupport.parkNanos(nanos);
      return super.apply(batch);
    }
  }

  private record Throttled(ThrottledJob job) implements Sink<Scored> {
    @Override
    public SinkWriter<Scored> createWriter(WriterInitContext context) {
      return new SinkWriter<>() {
        @Override
        public void write(Scored row, Context context) {
          LockSupport.parkNanos(job.pauseNanos);
          job.counts().sunk.incrementAndGet();
        }

        @Override
        public void flush(boolean endOfInput) {}

        @Override
        public void close() {}
      };
    }
  }
}
