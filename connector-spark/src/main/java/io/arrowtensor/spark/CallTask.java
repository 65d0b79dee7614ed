package io.arrowtensor.spark;

import io.arrowtensor.Options;
import java.util.Iterator;
import java.util.List;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.FlatMapFunction;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import org.apache.spark.util.SerializableConfiguration;

/**
 * What the driver sends to the tasks of one {@link MapTensorsExec}.
 *
 * @param ordinals where the arguments are in the batches
 */
record CallTask(
    SerializedFunction function,
    Options options,
    Signature signature,
    List<Integer> ordinals,
    Release release,
    CallMetrics metrics,
    Broadcast<SerializableConfiguration> conf)
    implements FlatMapFunction<Iterator<ColumnarBatch>, ColumnarBatch> {

  static CallTask of(
      TensorCall call,
      List<Integer> ordinals,
      Release release,
      CallMetrics metrics,
      SparkSession session) {
    return new CallTask(
        new SerializedFunction(call.function()),
        call.function().options(),
        call.signature(),
        List.copyOf(ordinals),
        release,
        metrics,
        SerializableConfiguration.broadcast(
            session.sparkContext(), session.sessionState().newHadoopConf()));
  }

  @Override
  public Iterator<ColumnarBatch> call(Iterator<ColumnarBatch> batches) {
    return new ScoredBatches(this, batches, TaskContext.get());
  }
}
