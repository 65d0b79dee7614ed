package io.arrowtensor.benchmarks.flink;

import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.connector.source.Boundedness;
import org.apache.flink.api.connector.source.ReaderOutput;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.apache.flink.api.connector.source.SplitEnumeratorContext;
import org.apache.flink.api.connector.source.lib.NumberSequenceSource;
import org.apache.flink.api.connector.source.lib.NumberSequenceSource.NumberSequenceSplit;
import org.apache.flink.core.io.InputStatus;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * Emits a few rows that are there already over and over, one at a time as Flink's own readers do:
 * nothing is made or read, so what comes behind it takes the time. For a parallelism of 1.
 */
final class RepeatedRows<T>
    implements Source<T, NumberSequenceSplit, Collection<NumberSequenceSplit>> {
  private static final long serialVersionUID = 1;

  /** As fast as they are taken. */
  static final long UNPACED = 0;

  private final NumberSequenceSource numbers;
  private final transient T[] prepared;
  private final long count;
  private final long rate;

  /** Rows never leave the process, so the job that is sent to the cluster only names them. */
  private static volatile Object[] emitted = {};

  private RepeatedRows(T[] rows, long count, long rate) {
    this.numbers = new NumberSequenceSource(0, count - 1);
    this.prepared = rows;
    this.count = count;
    this.rate = rate;
  }

  /** A stream of {@code count} elements, which are {@code rows} in turn. */
  static <T> DataStream<T> stream(
      StreamExecutionEnvironment environment, T[] rows, long count, TypeInformation<T> type) {
    return stream(environment, rows, count, UNPACED, type);
  }

  /**
   * The same with {@code rate} elements a second, each with the {@link System#nanoTime} at which it
   * was due as its timestamp.
   */
  static <T> DataStream<T> stream(
      StreamExecutionEnvironment environment,
      T[] rows,
      long count,
      long rate,
      TypeInformation<T> type) {
    RepeatedRows<T> source = new RepeatedRows<>(rows, count, rate);
    emitted = source.prepared;
    return environment.fromSource(source, WatermarkStrategy.noWatermarks(), "rows", type);
  }

  @Override
  public Boundedness getBoundedness() {
    return Boundedness.BOUNDED;
  }

  @Override
  public SplitEnumerator<NumberSequenceSplit, Collection<NumberSequenceSplit>> createEnumerator(
      SplitEnumeratorContext<NumberSequenceSplit> context) {
    return numbers.createEnumerator(context);
  }

  @Override
  public SplitEnumerator<NumberSequenceSplit, Collection<NumberSequenceSplit>> restoreEnumerator(
      SplitEnumeratorContext<NumberSequenceSplit> context,
      Collection<NumberSequenceSplit> checkpoint) {
    return numbers.restoreEnumerator(context, checkpoint);
  }

  @Override
  public SimpleVersionedSerializer<NumberSequenceSplit> getSplitSerializer() {
    return numbers.getSplitSerializer();
  }

  @Override
  public SimpleVersionedSerializer<Collection<NumberSequenceSplit>>
      getEnumeratorCheckpointSerializer() {
    return numbers.getEnumeratorCheckpointSerializer();
  }

  @Override
  @SuppressWarnings("unchecked") // stream() put them there
  public SourceReader<T, NumberSequenceSplit> createReader(SourceReaderContext context) {
    return new Reader<>((T[]) emitted, count, rate, context);
  }

  private static final class Reader<T> implements SourceReader<T, NumberSequenceSplit> {
    private final T[] rows;
    private final long count;
    private final double nanosPerRow;
    private final SourceReaderContext context;
    private final CompletableFuture<Void> split = new CompletableFuture<>();
    private long next;
    private long start;

    Reader(T[] rows, long count, long rate, SourceReaderContext context) {
      this.rows = rows;
      this.count = count;
      this.nanosPerRow = rate == UNPACED ? 0 : 1e9 / rate;
      this.context = context;
    }

    @Override
    public void start() {
      context.sendSplitRequest();
    }

    @Override
    public InputStatus pollNext(ReaderOutput<T> output) {
      if (next == 0) {
        if (!split.isDone()) {
          return InputStatus.NOTHING_AVAILABLE;
        }
        Meter.start();
        start = System.nanoTime();
      }
      T row = rows[(int) (next % rows.length)];
      if (nanosPerRow == 0) {
        output.collect(row);
        return ++next == count ? InputStatus.END_OF_INPUT : InputStatus.MORE_AVAILABLE;
      }
      long due = start + (long) (next * nanosPerRow);
      if (due > System.nanoTime()) {
        return InputStatus.MORE_AVAILABLE; // asked again at once, as soon as timers have run
      }
      output.collect(row, due);
      return ++next == count ? InputStatus.END_OF_INPUT : InputStatus.MORE_AVAILABLE;
    }

    @Override
    public void addSplits(List<NumberSequenceSplit> splits) {
      split.complete(null);
    }

    @Override
    public CompletableFuture<Void> isAvailable() {
      return split;
    }

    @Override
    public List<NumberSequenceSplit> snapshotState(long checkpoint) {
      throw new UnsupportedOperationException("these jobs take no checkpoints");
    }

    @Override
    public void notifyNoMoreSplits() {}

    @Override
    public void close() {}
  }
}
