package io.arrowtensor.flink;

import io.arrowtensor.internal.Closing;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.operators.OneInputStreamOperatorFactory;
import org.apache.flink.streaming.api.transformations.OneInputTransformation;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.apache.flink.util.InstantiationUtil;

/**
 * Flink's own harness around the operator that a stream is given, sent to the task as Flink sends
 * it.
 */
final class Harness<T, R> implements AutoCloseable {
  private final OneInputStreamOperatorTestHarness<T, R> harness;
  private boolean closed;

  private Harness(OneInputStreamOperatorTestHarness<T, R> harness) {
    this.harness = harness;
  }

  /** An operator that is open. */
  static <T, R> Harness<T, R> open(
      TypeInformation<T> type, Function<TensorStream<T>, SingleOutputStreamOperator<R>> job)
      throws Exception {
    Harness<T, R> made = create(type, new Configuration(), job);
    made.harness.open();
    return made;
  }

  /** An operator that is not open yet. */
  @SuppressWarnings("unchecked") // the transformation is the one of the stream
  static <T, R> Harness<T, R> create(
      TypeInformation<T> type,
      Configuration configuration,
      Function<TensorStream<T>, SingleOutputStreamOperator<R>> job)
      throws Exception {
    SingleOutputStreamOperator<R> scored = job.apply(stream(type, configuration));
    OneInputTransformation<T, R> transformation =
        (OneInputTransformation<T, R>) scored.getTransformation();
    OneInputStreamOperatorFactory<T, R> factory =
        (OneInputStreamOperatorFactory<T, R>)
            InstantiationUtil.clone(transformation.getOperatorFactory());
    OneInputStreamOperatorTestHarness<T, R> harness =
        new OneInputStreamOperatorTestHarness<>(
            factory, type.createSerializer(scored.getExecutionConfig().getSerializerConfig()));
    harness.setup(
        scored.getType().createSerializer(scored.getExecutionConfig().getSerializerConfig()));
    return new Harness<>(harness);
  }

  /** A stream of {@code type} that never runs. */
  static <T> TensorStream<T> stream(TypeInformation<T> type, Configuration configuration) {
    StreamExecutionEnvironment environment =
        StreamExecutionEnvironment.createLocalEnvironment(1, configuration);
    DataStream<T> stream = environment.fromSequence(0, 0).map(id -> (T) null).returns(type);
    return TensorStream.of(stream);
  }

  OneInputStreamOperatorTestHarness<T, R> flink() {
    return harness;
  }

  /** Sends an element with a timestamp. */
  Harness<T, R> send(T element, long timestamp) throws Exception {
    harness.processElement(element, timestamp);
    return this;
  }

  /** The records and watermarks that were emitted since the last call. */
  List<Object> emitted() {
    List<Object> emitted = new ArrayList<>(harness.getOutput());
    harness.getOutput().clear();
    return emitted;
  }

  /** The values that were emitted since the last call. */
  List<R> values() {
    List<R> values = new ArrayList<>();
    for (Object element : emitted()) {
      if (element instanceof StreamRecord<?> record) {
        @SuppressWarnings("unchecked") // the output's own type
        R value = (R) record.getValue();
        values.add(value);
      }
    }
    return values;
  }

  /** Ends the operator as a task that failed does, without the {@code finish} of a normal end. */
  void kill() throws Exception {
    closed = true;
    harness.getOperator().close();
  }

  /** Ends the operator as a task that came to its end does. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      try {
        harness.close();
      } catch (Exception e) {
        Closing.quietly(e, List.of(harness.getOperator()::close)); // Flink's tasks close, always
        throw new AssertionError("the operator cannot be finished", e);
      }
    }
  }
}
