package io.arrowtensor.flink;

import io.arrowtensor.BatchFunction;
import io.arrowtensor.BatchSchema;
import io.arrowtensor.Copy;
import io.arrowtensor.CopyRefusedException;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.Options;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.internal.FunctionChecks;
import io.arrowtensor.internal.KnownFile;
import io.arrowtensor.internal.RecordedFiles;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.functions.JoinFunction;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.java.typeutils.TypeExtractor;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.utils.JoinedRowData;
import org.apache.flink.table.runtime.typeutils.InternalTypeInfo;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.util.InstantiationUtil;
import org.jspecify.annotations.Nullable;

/**
 * Scores a stream in batches.
 *
 * <pre>{@code
 * DataStream<Scored> scored =
 *     TensorStream.of(flights)
 *         .columns("delay", "distance")
 *         .maxDelay(Duration.ofMillis(20))
 *         .map(OnnxFunction.of(model), (flight, result) -> new Scored(flight.id, result.getFloat(0)));
 * }</pre>
 *
 * <p>Elements are POJOs, {@code Row} or {@code RowData}. Each gives one result, with its timestamp;
 * rows of results also have its {@code RowKind}. Or elements are batches already ({@link
 * BatchTypeInfo}): each is scored as it is, without copy, as soon as it comes. The order of
 * elements is kept. A batch is scored when it is full, when its first element has waited long
 * enough, before a checkpoint barrier passes, when the input ends or idles, and before the last
 * watermark; so the operator has no state, and is exactly once wherever its source and sink are.
 * Watermarks wait for the elements before them.
 *
 * <p>Immutable. An element is copied into columns when it arrives, so this is safe under Flink's
 * object reuse, which is worth turning on.
 *
 * @param <T> the elements
 */
public final class TensorStream<T> {
  /**
   * The int64 column of a batch in which the timestamps of its rows are; only batches of rows with
   * timestamps have it. Null for a row without one.
   */
  public static final String ROW_TIME = "tensor.rowtime";

  private static final int MAX_IN_FLIGHT = 1000;

  private final DataStream<T> stream;
  private final List<String> columns;
  private final Options options;
  private final @Nullable Integer maxRows;
  private final @Nullable Integer inFlight;
  private final @Nullable Duration maxDelay;
  private final @Nullable MemorySize memory;

  private TensorStream(
      DataStream<T> stream,
      List<String> columns,
      Options options,
      @Nullable Integer maxRows,
      @Nullable Integer inFlight,
      @Nullable Duration maxDelay,
      @Nullable MemorySize memory) {
    this.stream = stream;
    this.columns = columns;
    this.options = options;
    this.maxRows = maxRows;
    this.inFlight = inFlight;
    this.maxDelay = maxDelay;
    this.memory = memory;
  }

  /** A stream to score, keyed or not, of a type whose fields are known. */
  public static <T> TensorStream<T> of(DataStream<T> stream) {
    return new TensorStream<>(stream, List.of(), Options.defaults(), null, null, null, null);
  }

  /** The fields that the function gets, in this order. */
  public TensorStream<T> columns(String... names) {
    return new TensorStream<>(stream, List.of(names), options, maxRows, inFlight, maxDelay, memory);
  }

  /** How fields become columns; {@link Options#defaults()} refuses nulls. */
  public TensorStream<T> options(Options options) {
    return new TensorStream<>(stream, columns, options, maxRows, inFlight, maxDelay, memory);
  }

  /** Rows of a full batch; {@link TensorSettings#MAX_ROWS} where this is not called. */
  public TensorStream<T> maxRows(int rows) {
    return new TensorStream<>(stream, columns, options, rows, inFlight, maxDelay, memory);
  }

  /**
   * Computes on a thread of the function's own, so that a device works while the task gathers: at
   * most {@code batches} are computed or wait for it, each in memory of its own. With 0, which
   * suits functions that use the processor, the task's thread computes; {@link
   * TensorSettings#IN_FLIGHT} where this is not called. Order, timestamps and exactly once stay:
   * all batches are emitted before a barrier passes.
   */
  public TensorStream<T> inFlight(int batches) {
    return new TensorStream<>(stream, columns, options, maxRows, batches, maxDelay, memory);
  }

  /**
   * How long the first element of a batch may wait for others; {@link TensorSettings#MAX_DELAY}
   * where this is not called. While a source says that it works off a backlog, batches wait until
   * they are full.
   */
  public TensorStream<T> maxDelay(Duration delay) {
    return new TensorStream<>(stream, columns, options, maxRows, inFlight, delay, memory);
  }

  /**
   * Counts the native memory of batches and results as Flink's managed memory: each subtask
   * reserves {@code size} of its slot's, holds no more, and gives it back when it ends. Without
   * this it is {@link TensorSettings#TASK_MEMORY}, which Flink does not know of. Managed memory is
   * shared with other consumers of the slot, state in RocksDB among them, by Flink's {@code
   * taskmanager.memory.managed.consumer-weights}; a subtask whose share is too small fails when it
   * is deployed.
   */
  public TensorStream<T> memory(MemorySize size) {
    return new TensorStream<>(stream, columns, options, maxRows, inFlight, maxDelay, size);
  }

  /**
   * The results alone, a row for each element. The rows are one object that is moved from element
   * to element, so a function behind this must not keep them, as with all of Flink's reused rows;
   * Flink copies them itself where object reuse is off.
   *
   * @throws InterchangeException naming the field or option that does not fit, and the remedy
   */
  public SingleOutputStreamOperator<RowData> map(BatchFunction function) {
    TensorCall<T> call = call(function, List.of(), false);
    return transform(call, null, InternalTypeInfo.of(call.resultType()));
  }

  /**
   * What {@code join} makes of each element and its results. The row is valid during that call
   * only.
   *
   * @throws InterchangeException naming the field or option that does not fit, and the remedy
   */
  public <R> SingleOutputStreamOperator<R> map(
      BatchFunction function, JoinFunction<T, RowData, R> join) {
    if (stream.getType() instanceof BatchTypeInfo) {
      throw new InterchangeException(
          "Cannot join batches with rows of results: keep columns of theirs beside the results with"
              + " mapBatches(function, names), or take the results alone with map(function)");
    }
    TensorCall<T> call = call(function, List.of(), false);
    TypeInformation<RowData> row = InternalTypeInfo.of(call.resultType());
    TypeInformation<R> type =
        TypeExtractor.getJoinReturnTypes(join, stream.getType(), row, null, true);
    return transform(call, stream.getExecutionEnvironment().clean(join), type);
  }

  /**
   * The results of each batch as one element, which owns its memory: see {@link BatchTypeInfo} for
   * how long it lives, and for what may be done with it. What the function left in memory of its
   * own, or of its context's allocator, is passed on without copy; while the batches that were
   * passed on hold all of {@link TensorSettings#TASK_MEMORY}, allocations wait.
   *
   * <p>Where rows have timestamps, the element's is the latest of them, and the column {@link
   * #ROW_TIME} holds all. Batches are insert-only: a row that is anything else fails the job. How
   * rows are grouped is not stable; an element without rows is never emitted.
   *
   * @param kept fields that are passed on as columns behind the results, such as ids; as they are,
   *     with their nulls
   * @throws InterchangeException naming the field or option that does not fit, and the remedy
   */
  public SingleOutputStreamOperator<OwnedBatch> mapBatches(BatchFunction function, String... kept) {
    TensorCall<T> call = call(function, List.of(kept), true);
    List<BatchSchema.Column> columns = new ArrayList<>(call.results().columns());
    if (call.propagatesNulls() && call.reader().isNullable()) {
      columns.replaceAll(column -> column.withNullable(true));
    }
    columns.addAll(call.reader().kept());
    BatchSchema schema = new BatchSchema(columns);
    requireNoRowTime(schema);
    FunctionChecks.requireRow(schema);
    MemorySize memory = new MemorySize(call.memory());
    return transform(
        call,
        null,
        BatchTypeInfo.of(schema).withMemory(memory).withMemoryTimeout(call.memoryTimeout()));
  }

  private static void requireNoRowTime(BatchSchema schema) {
    if (schema.columns().stream().anyMatch(column -> column.name().equals(ROW_TIME))) {
      throw new InterchangeException(
          "Cannot name a result or a kept field '"
              + ROW_TIME
              + "': the timestamps of the rows are there; rename it, or do not keep it, as"
              + " timestamps are passed on by themselves");
    }
  }

  /**
   * The elements, which are rows of type {@code rows}, with the results behind their fields.
   *
   * @throws InterchangeException naming what does not fit, and the remedy
   */
  SingleOutputStreamOperator<RowData> append(RowType rows, BatchFunction function) {
    TensorCall<T> call = call(function, List.of(), false);
    JoinFunction<T, RowData, RowData> join =
        (row, results) -> new JoinedRowData(((RowData) row).getRowKind(), (RowData) row, results);
    List<RowType.RowField> fields = new ArrayList<>(rows.getFields());
    for (RowType.RowField result : call.resultType().getFields()) {
      if (rows.getFieldNames().contains(result.getName())) {
        throw new InterchangeException(
            "Cannot append result column '"
                + result.getName()
                + "': the table has a column of that name; rename the table's column first");
      }
      fields.add(result);
    }
    return transform(call, join, InternalTypeInfo.of(new RowType(false, fields)));
  }

  private <R> SingleOutputStreamOperator<R> transform(
      TensorCall<T> call, @Nullable JoinFunction<T, RowData, R> join, TypeInformation<R> type) {
    TensorOperatorFactory<T, R> factory =
        new TensorOperatorFactory<>(
            call,
            join,
            stream.getType().createSerializer(stream.getExecutionConfig().getSerializerConfig()));
    SingleOutputStreamOperator<R> scored =
        stream.transform("Tensor " + call.describe(), type, factory);
    if (call.managed()) {
      ManagedMemory.declare(scored.getTransformation(), call.memory());
    }
    return scored;
  }

  private TensorCall<T> call(BatchFunction function, List<String> kept, boolean whole) {
    try {
      requireSerializable(function);
      FunctionChecks.requireNullPolicy(function, options.nulls());
      if (options.copy() == Copy.NEVER && !(stream.getType() instanceof BatchTypeInfo)) {
        throw new CopyRefusedException(
            "Cannot gather elements into columns without a copy, and Copy.NEVER forbids one; allow"
                + " it with Options.withCopy(Copy.IF_NEEDED)");
      }
      InputReader<T> reader = ElementReaders.of(stream.getType(), columns, kept, options);
      BatchSchema input = new BatchSchema(reader.arguments());
      RecordedFiles files = new RecordedFiles(JobFiles.INSTANCE);
      BatchSchema results = function.resultSchema(input, files);
      InputReader<T> gathering = function.readsStrides() ? reader.strided(options) : reader;
      TensorCall<T> call = call(gathering, function, results, whole, files.known());
      if (!whole) {
        RowType unused = call.resultType();
      }
      return call;
    } catch (InterchangeException e) {
      throw new InterchangeException(
          "Cannot call " + TensorCall.describe(function, columns) + ": " + e.getMessage(), e);
    }
  }

  private TensorCall<T> call(
      InputReader<T> reader,
      BatchFunction function,
      BatchSchema results,
      boolean whole,
      List<KnownFile> files) {
    ReadableConfig config = stream.getExecutionEnvironment().getConfiguration();
    int rows = maxRows != null ? maxRows : config.get(TensorSettings.MAX_ROWS);
    int batches = inFlight != null ? inFlight : config.get(TensorSettings.IN_FLIGHT);
    Duration delay = maxDelay != null ? maxDelay : config.get(TensorSettings.MAX_DELAY);
    return new TensorCall<>(
        reader,
        function,
        options,
        results,
        whole,
        files,
        requireIn("maxRows", rows, 1, Integer.MAX_VALUE),
        requireIn("inFlight", batches, 0, MAX_IN_FLIGHT),
        requirePositive(delay),
        memory != null
            ? ManagedMemory.requireDeclarable(memory)
            : config.get(TensorSettings.TASK_MEMORY).getBytes(),
        memory != null,
        config.get(TensorSettings.MEMORY_TIMEOUT),
        config.get(TensorSettings.DEVICE_RESOURCE));
  }

  private static void requireSerializable(BatchFunction function) {
    try {
      InstantiationUtil.serializeObject(function);
    } catch (IOException e) {
      throw new InterchangeException(
          "it cannot be sent to the tasks: "
              + e
              + "; keep only serializable fields and make the rest in open()",
          e);
    }
  }

  private static int requireIn(String name, int value, int least, int most) {
    if (value < least || value > most) {
      throw new InterchangeException(
          "Invalid "
              + name
              + " "
              + value
              + ": expected at least "
              + least
              + (most < Integer.MAX_VALUE ? ", at most " + most : ""));
    }
    return value;
  }

  private static Duration requirePositive(Duration delay) {
    if (delay.toMillis() < 1) {
      throw new InterchangeException(
          "Invalid maxDelay " + delay + ": expected at least a millisecond");
    }
    return delay;
  }
}
