package io.arrowtensor.flink;

import io.arrowtensor.internal.Closing;
import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.Future;
import org.apache.flink.api.common.functions.DefaultOpenContext;
import org.apache.flink.api.common.functions.JoinFunction;
import org.apache.flink.api.common.functions.util.FunctionUtils;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.runtime.event.WatermarkEvent;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.BoundedOneInput;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.operators.StreamOperatorParameters;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.RecordAttributes;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;
import org.apache.flink.table.data.RowData;
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
  private final transient StreamRecord<R> emitted = new StreamRecord<>(null);
  private transient @Nullable Scorer<T> scorer;
  private transient @Nullable Watermark heldWatermark;
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
  }

  @Override
  public void open() throws Exception {
    super.open();
    if (join != null) {
      FunctionUtils.setFunctionRuntimeContext(join, getRuntimeContext());
      FunctionUtils.openFunction(join, DefaultOpenContext.INSTANCE);
    }
    scorer = new Scorer<>(call, getContainingTask(), getRuntimeContext(), join != null);
    scorer.open();
  }

  private Scorer<T> scorer() {
    return Objects.requireNonNull(scorer);
  }

  @Override
  public void processElement(StreamRecord<T> element) throws Exception {
    InputBatch<T> batch = scorer().batch();
    T value = element.getValue();
    batch.add(element, join == null ? null : copier == null ? value : copier.copy(value));
    if (batch.rows() == 1) {
      firstRowTime = getProcessingTimeService().getCurrentProcessingTime();
      if (!timerIsSet && !backlog) {
        setTimer();
      }
    }
    if (batch.isFull()) {
      flush(FlushCause.SIZE);
    }
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
    if (scorer().batch().rows() == 0 || backlog) {
      return;
    }
    if (getProcessingTimeService().getCurrentProcessingTime() >= dueTime()) {
      flush(FlushCause.TIME);
    } else {
      setTimer();
    }
  }

  private void flush(FlushCause cause) throws Exception {
    InputBatch<T> batch = scorer().batch();
    if (batch.rows() > 0) {
      try (ResultRow row = scorer().score(cause)) {
        emit(batch, row);
      }
      batch.clear();
    }
    Watermark held = heldWatermark;
    heldWatermark = null;
    if (held != null) {
      super.processWatermark(held);
    }
  }

  @SuppressWarnings("unchecked") // without join the operator emits rows
  private void emit(InputBatch<T> batch, ResultRow row) throws Exception {
    for (int i = 0; i < batch.rows(); i++) {
      row.at(i, batch.kind(i));
      emitted.replace(join == null ? (R) row : join.join(batch.element(i), row));
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
      heldWatermark = mark;
      flush(FlushCause.WATERMARK);
    } else if (scorer().batch().rows() > 0) {
      heldWatermark = mark;
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
    flush(FlushCause.IDLE);
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
    Scorer<T> open = scorer;
    scorer = null;
    AutoCloseable joining = join == null ? null : () -> FunctionUtils.closeFunction(join);
    Closing.all(Arrays.asList(open, joining, super::close));
  }
}
