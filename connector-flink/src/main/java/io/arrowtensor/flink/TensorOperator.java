package io.arrowtensor.flink;

import io.arrowtensor.InterchangeException;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.internal.Closing;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Future;
import org.apache.arrow.memory.OutOfMemoryException;
import org.apache.flink.api.common.functions.DefaultOpenContext;
import org.apache.flink.api.common.functions.JoinFunction;
import org.apache.flink.api.common.functions.util.FunctionUtils;
import org.apache.flink.api.common.operators.MailboxExecutor;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.runtime.event.WatermarkEvent;
import org.apache.flink.streaming.api.graph.StreamConfig;
import org.apache.flink.streaming.api.graph.StreamEdge;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.BoundedOneInput;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.operators.StreamOperatorParameters;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.RecordAttributes;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.tasks.SourceOperatorStreamTask;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;
import org.apache.flink.table.data.RowData;
import org.apache.flink.util.ExceptionUtils;
import org.jspecify.annotations.Nullable;

/**
 * Gathers elements, scores them in batches and emits a row for each.
 *
 * <p><b>Exactly once without state.</b> Every row is emitted before a barrier passes, so a
 * checkpoint holds nothing of this operator: it restores, rescales and upgrades as if it were a
 * map. A watermark waits for the rows before it, at most as long as a batch waits.
 *
 * <p>The task's thread: Flink runs timers there too.
 */
final class TensorOperator<T, R> extends AbstractStreamOperator<R>
    implements OneInputStreamOperator<T, R>, BoundedOneInput {
  private static final long serialVersionUID = 1;

  private final transient TensorCall<T> call;
  private final transient @Nullable JoinFunction<T, RowData, R> join;
  private final transient @Nullable TypeSerializer<T> copier;
  private final transient MailboxExecutor mailbox;
  private final transient StreamRecord<R> emitted = new StreamRecord<>(null);
  private final transient Deque<TensorBatch<T>> free = new ArrayDeque<>();
  private final transient Deque<TensorBatch<T>> inFlight = new ArrayDeque<>();
  private transient @Nullable ManagedMemory reserved;
  private transient @Nullable Scorer<T> scorer;
  private transient @Nullable Engine engine;
  private transient @Nullable TensorBatch<T> filling;
  private transient boolean dropsEmitted;
  private transient boolean backlog;
  private transient boolean timerIsSet;
  private transient long firstRowTime;

  /**
   * @param join makes what is emitted, null to emit the rows of results
   * @param copier copies elements that {@code join} gets later, null where nobody changes them
   */
  TensorOperator(
      StreamOperatorParameters<R> parameters,
      TensorCall<T> call,
      @Nullable JoinFunction<T, RowData, R> join,
      @Nullable TypeSerializer<T> copier) {
    super(parameters);
    this.call = call;
    this.join = join;
    this.copier = copier;
    this.mailbox = parameters.getMailboxExecutor();
  }

  @Override
  public void open() throws Exception {
    super.open();
    JobLoader.letGoAtEndOf(getRuntimeContext()); // also if this fails
    if (join != null) {
      FunctionUtils.setFunctionRuntimeContext(join, getRuntimeContext());
      FunctionUtils.openFunction(join, DefaultOpenContext.INSTANCE);
    }
    ClassLoader classes = getUserCodeClassloader();
    StreamConfig config = getOperatorConfig();
    boolean alone = config.isChainStart() || isOnlyReaderOfSource(config, classes);
    dropsEmitted =
        config.getChainedOutputs(classes).isEmpty()
            && !config.getOperatorNonChainedOutputs(classes).isEmpty();
    long limit = call.memory();
    if (call.managed()) {
      reserved = ManagedMemory.reserve(call, getContainingTask(), config);
      limit = reserved.bytes();
    }
    Subtask subtask = new OperatorSubtask(getContainingTask(), getRuntimeContext());
    scorer = new Scorer<>(call, subtask, join != null, alone, limit);
    free.addAll(scorer.memory());
    scorer.open();
    if (call.inFlight() > 0) {
      String task = getRuntimeContext().getTaskInfo().getTaskNameWithSubtasks();
      engine = new Engine(task, classes, mailbox);
    }
  }

  /**
   * Whether elements come from a source that keeps none, and go nowhere else. What comes to the
   * start of a chain was read from the network for it, and is nobody else's either.
   */
  private boolean isOnlyReaderOfSource(StreamConfig config, ClassLoader classes) {
    if (!call.reader().isGivenAway()
        || !(getContainingTask() instanceof SourceOperatorStreamTask)) {
      return false;
    }
    StreamConfig source = getContainingTask().getConfiguration();
    List<StreamEdge> readers = source.getChainedOutputs(classes);
    return source.getOperatorNonChainedOutputs(classes).isEmpty()
        && readers.size() == 1
        && readers.get(0).getTargetId() == config.getVertexID();
  }

  private Scorer<T> scorer() {
    return Objects.requireNonNull(scorer);
  }

  @Override
  public void processElement(StreamRecord<T> element) throws Exception {
    TensorBatch<T> batch = filling();
    BatchInput<T> rows = batch.input();
    T value = element.getValue();
    try {
      rows.add(element, join == null ? null : copier == null ? value : copier.copy(value));
    } catch (InterchangeException | OutOfMemoryException e) {
      throw scorer().unreadable(e, rows);
    }
    if (rows.rows() == 1) {
      firstRowTime = getProcessingTimeService().getCurrentProcessingTime();
      if (!timerIsSet && !backlog) {
        setTimer();
      }
    }
    if (rows.isFull()) {
      submit(batch, FlushCause.SIZE);
    }
  }

  /** The batch that is gathered; waits for one while all are on their way. */
  private TensorBatch<T> filling() throws Exception {
    while (filling == null) {
      filling = free.pollFirst();
      if (filling == null) {
        mailbox.yield();
      }
    }
    return filling;
  }

  /** One timer lives at a time; when it fires for a batch that is gone it is set anew. */
  private void setTimer() {
    timerIsSet = true;
    // A timer that fails fails the task, so nobody needs its future.
    Future<?> unused = getProcessingTimeService().registerTimer(dueTime(), time -> onTimer());
  }

  private long dueTime() {
    return firstRowTime + call.maxDelay().toMillis();
  }

  private void onTimer() throws Exception {
    timerIsSet = false;
    TensorBatch<T> batch = filling;
    if (batch == null || batch.input().rows() == 0 || backlog) {
      return;
    }
    if (getProcessingTimeService().getCurrentProcessingTime() >= dueTime()) {
      submit(batch, FlushCause.TIME);
    } else {
      setTimer();
    }
  }

  /** Sends what was gathered to the function, and emits its results when they are there. */
  private void submit(TensorBatch<T> batch, FlushCause cause) throws Exception {
    Scorer<T> scoring = scorer();
    filling = null;
    batch.setCause(cause);
    scoring.number(batch);
    if (engine == null) {
      scoring.score(batch);
      complete(batch);
    } else {
      inFlight.addLast(batch);
      scoring.metrics().setQueueDepth(inFlight.size());
      engine.submit(() -> scoring.score(batch), this::returned);
    }
  }

  /** The oldest batch comes back from the engine, which computes one after the other. */
  private void returned(@Nullable Throwable failure) throws Exception {
    TensorBatch<T> batch = inFlight.removeFirst();
    scorer().metrics().setQueueDepth(inFlight.size());
    if (failure != null) {
      ExceptionUtils.rethrowException(failure);
    }
    complete(batch);
  }

  private void complete(TensorBatch<T> batch) throws Exception {
    try (Results results = batch.results()) {
      if (results instanceof ResultBatch whole) {
        emit(whole);
      } else {
        emit(batch.input(), (ResultRow) results);
      }
    }
    scorer().metrics().addBatch(batch.input().rows(), batch.cause());
    Watermark behind = batch.watermark();
    batch.clear();
    free.addLast(batch);
    if (behind != null) {
      super.processWatermark(behind);
    }
  }

  /** Emits everything that has come so far. */
  private void flush(FlushCause cause) throws Exception {
    TensorBatch<T> batch = filling;
    if (batch != null && batch.input().rows() > 0) {
      submit(batch, cause);
    }
    while (!inFlight.isEmpty()) {
      mailbox.yield();
    }
  }

  /** Where all receivers are behind the network they have their bytes, and the memory goes. */
  @SuppressWarnings("unchecked") // a function of whole results makes the operator emit batches
  private void emit(ResultBatch results) {
    OwnedBatch element = results.moveTo((StreamRecord<OwnedBatch>) emitted);
    output.collect(emitted);
    emitted.replace(null);
    if (dropsEmitted) {
      element.close();
    }
  }

  @SuppressWarnings("unchecked") // without join the operator emits rows
  private void emit(BatchInput<T> batch, ResultRow row) throws Exception {
    for (int i = 0; i < batch.rows(); i++) {
      row.at(i, batch.kind(i));
      R value = join == null ? (R) row : join.join(batch.element(i), row);
      if (emitted.getValue() != value) { // a receiver may have changed it; a store has a barrier
        emitted.replace(value);
      }
      if (batch.isTimed(i)) {
        emitted.setTimestamp(batch.timestamp(i));
      } else {
        emitted.eraseTimestamp();
      }
      output.collect(emitted);
    }
  }

  @Override
  public void processWatermark(Watermark mark) throws Exception {
    if (mark.getTimestamp() == Watermark.MAX_WATERMARK.getTimestamp()) {
      flush(FlushCause.WATERMARK);
      super.processWatermark(mark);
    } else if (filling != null && filling.input().rows() > 0) {
      filling.setWatermark(mark);
    } else if (!inFlight.isEmpty()) {
      inFlight.getLast().setWatermark(mark);
    } else {
      super.processWatermark(mark);
    }
  }

  @Override
  public void processWatermark(WatermarkEvent event) throws Exception {
    flush(FlushCause.WATERMARK);
    super.processWatermark(event);
  }

  @Override
  public void processWatermarkStatus(WatermarkStatus status) throws Exception {
    flush(status.isIdle() ? FlushCause.IDLE : FlushCause.WATERMARK);
    super.processWatermarkStatus(status);
  }

  /** A backlog is read for throughput: batches wait until they are full. */
  @Override
  public void processRecordAttributes(RecordAttributes attributes) throws Exception {
    flush(FlushCause.WATERMARK);
    backlog = attributes.isBacklog();
    super.processRecordAttributes(attributes);
  }

  @Override
  public void prepareSnapshotPreBarrier(long checkpointId) throws Exception {
    flush(FlushCause.BARRIER);
    super.prepareSnapshotPreBarrier(checkpointId);
  }

  @Override
  public void endInput() throws Exception {
    flush(FlushCause.END);
  }

  @Override
  public void finish() throws Exception {
    flush(FlushCause.END);
    super.finish();
  }

  /** Frees; what was not emitted comes again after a restore. */
  @Override
  public void close() throws Exception {
    List<AutoCloseable> all = new ArrayList<>(Arrays.asList(engine, scorer, reserved));
    engine = null;
    scorer = null;
    reserved = null;
    if (join != null) {
      all.add(() -> FunctionUtils.closeFunction(join));
    }
    all.add(super::close);
    Closing.all(all);
  }
}
