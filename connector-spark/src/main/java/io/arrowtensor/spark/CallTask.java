package io.arrowtensor.spark;

import io.arrowtensor.BatchFunction;
import io.arrowtensor.InterchangeException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.ObjectStreamClass;
import java.util.Iterator;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.FlatMapFunction;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import org.apache.spark.util.SerializableConfiguration;

/**
 * What the driver sends to the tasks of one {@link MapTensorsExec}. The function travels as bytes,
 * so that each partition gets an instance of its own, also where one task reads several.
 */
record CallTask(
    String name,
    String about,
    byte[] function,
    io.arrowtensor.Options options,
    Signature signature,
    int[] ordinals,
    Release release,
    CallMetrics metrics,
    Broadcast<SerializableConfiguration> conf)
    implements FlatMapFunction<Iterator<ColumnarBatch>, ColumnarBatch> {

  static CallTask of(
      TensorCall call, int[] ordinals, Release release, CallMetrics metrics, SparkSession session) {
    TensorFunction function = call.function();
    return new CallTask(
        function.name(),
        about(function.function()),
        serialize(function),
        function.options(),
        call.signature(),
        ordinals,
        release,
        metrics,
        SerializableConfiguration.broadcast(
            session.sparkContext(), session.sessionState().newHadoopConf()));
  }

  private static String about(BatchFunction function) {
    String text = function.toString();
    boolean says = !text.startsWith(function.getClass().getName() + "@");
    return says ? " (" + text + ")" : "";
  }

  private static byte[] serialize(TensorFunction function) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
      out.writeObject(function.function());
    } catch (IOException e) {
      throw new InterchangeException(
          "Cannot send function '"
              + function.name()
              + "' to the tasks: "
              + e
              + "; keep only serializable fields and make the rest in open()",
          e);
    }
    return bytes.toByteArray();
  }

  /** The call as errors name it, with what the function says of itself. */
  String describe() {
    return name + "(" + String.join(", ", signature.arguments().fieldNames()) + ")" + about;
  }

  /** A new instance of the function. */
  BatchFunction newFunction() {
    ClassLoader loader = Thread.currentThread().getContextClassLoader();
    try (ObjectInputStream in =
        new ObjectInputStream(new ByteArrayInputStream(function)) {
          @Override
          protected Class<?> resolveClass(ObjectStreamClass description)
              throws IOException, ClassNotFoundException {
            try {
              return Class.forName(description.getName(), false, loader);
            } catch (ClassNotFoundException e) {
              return super.resolveClass(description);
            }
          }
        }) {
      return (BatchFunction) in.readObject();
    } catch (IOException | ClassNotFoundException e) {
      throw new InterchangeException(
          "Cannot read function '"
              + name
              + "' on this executor: "
              + e
              + "; put its classes on the executors' class path",
          e);
    }
  }

  @Override
  public Iterator<ColumnarBatch> call(Iterator<ColumnarBatch> batches) {
    return new ScoredBatches(this, batches, TaskContext.get());
  }
}
