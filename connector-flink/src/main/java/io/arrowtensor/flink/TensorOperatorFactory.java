package io.arrowtensor.flink;

import org.apache.flink.api.common.functions.JoinFunction;
import org.apache.flink.api.common.operators.MailboxExecutor;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.streaming.api.operators.AbstractStreamOperatorFactory;
import org.apache.flink.streaming.api.operators.OneInputStreamOperatorFactory;
import org.apache.flink.streaming.api.operators.StreamOperator;
import org.apache.flink.streaming.api.operators.StreamOperatorParameters;
import org.apache.flink.streaming.api.operators.legacy.YieldingOperatorFactory;
import org.apache.flink.table.data.RowData;
import org.jspecify.annotations.Nullable;

/**
 * Makes the {@link TensorOperator} of a subtask. As one that yields, the operator is not chained to
 * a source of Flink's old interface, which calls its chain from another thread than the task's.
 */
@SuppressWarnings("deprecation") // Flink's only mark of an operator that yields
final class TensorOperatorFactory<T, R> extends AbstractStreamOperatorFactory<R>
    implements OneInputStreamOperatorFactory<T, R>, YieldingOperatorFactory<R> {
  private static final long serialVersionUID = 1;

  private final TensorCall<T> call;
  private final @Nullable JoinFunction<T, RowData, R> join;
  private final TypeSerializer<T> serializer;

  TensorOperatorFactory(
      TensorCall<T> call,
      @Nullable JoinFunction<T, RowData, R> join,
      TypeSerializer<T> serializer) {
    this.call = call;
    this.join = join;
    this.serializer = serializer;
  }

  /** Where Flink reuses elements, those that are kept are copied. */
  @Override
  @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"}) // as Flink declares it
  public <O extends StreamOperator<R>> O createStreamOperator(
      StreamOperatorParameters<R> parameters) {
    boolean reused = parameters.getContainingTask().getExecutionConfig().isObjectReuseEnabled();
    return (O) new TensorOperator<>(parameters, call, join, reused ? serializer.duplicate() : null);
  }

  /** The operator takes the executor from its parameters. */
  @Override
  public void setMailboxExecutor(MailboxExecutor mailboxExecutor) {}

  @Override
  @SuppressWarnings("rawtypes") // as Flink declares it
  public Class<? extends StreamOperator> getStreamOperatorClass(ClassLoader classLoader) {
    return TensorOperator.class;
  }
}
