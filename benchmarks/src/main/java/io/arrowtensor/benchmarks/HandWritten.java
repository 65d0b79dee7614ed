package io.arrowtensor.benchmarks;

import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Iterator;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * How ONNX models are run in an engine's JVM without this library. One session per process and
 * model, with the settings that this library uses for a task of one core.
 */
public final class HandWritten {
  private static final int BATCH = 4096; // as Spark's Parquet reader
  private static final OrtEnvironment ENVIRONMENT = OrtEnvironment.getEnvironment();
  private static final ConcurrentHashMap<Model, OrtSession> SESSIONS = new ConcurrentHashMap<>();

  private HandWritten() {}

  private static OrtSession session(Model model) {
    return SESSIONS.computeIfAbsent(model, HandWritten::load);
  }

  private static OrtSession load(Model model) {
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.setIntraOpNumThreads(1);
      options.setInterOpNumThreads(1);
      options.addConfigEntry("session.intra_op.allow_spinning", "0");
      options.addConfigEntry("session.inter_op.allow_spinning", "0");
      return ENVIRONMENT.createSession(model.file, options);
    } catch (OrtException e) {
      throw new IllegalStateException("Cannot load " + model.file + ": " + e.getMessage(), e);
    }
  }

  /** One run per row. */
  public static float score(Model model, Number first, Number second) throws OrtException {
    try (OnnxTensor a = OnnxTensor.createTensor(ENVIRONMENT, array(first));
        OnnxTensor b = OnnxTensor.createTensor(ENVIRONMENT, array(second));
        OrtSession.Result result = session(model).run(Map.of(model.first, a, model.second, b))) {
      return ((OnnxTensor) result.get(0)).getFloatBuffer().get(0);
    }
  }

  private static Object array(Number value) {
    return value instanceof Long number ? new long[] {number} : new float[] {value.floatValue()};
  }

  /** Doubles hold both models' columns exactly. */
  public static final class Pair {
    private double first;
    private double second;

    public double getFirst() {
      return first;
    }

    public void setFirst(double first) {
      this.first = first;
    }

    public double getSecond() {
      return second;
    }

    public void setSecond(double second) {
      this.second = second;
    }
  }

  /** One run per batch, on direct buffers that ONNX Runtime reads and writes in place. */
  static final class Batches implements Iterator<Float> {
    private final ByteBuffer first = direct();
    private final ByteBuffer second = direct();
    private final ByteBuffer scores = direct().limit(0);
    private final Iterator<Pair> rows;
    private final Model model;

    Batches(Iterator<Pair> rows, Model model) {
      this.rows = rows;
      this.model = model;
    }

    @Override
    public boolean hasNext() {
      return scores.hasRemaining() || rows.hasNext();
    }

    @Override
    public Float next() {
      if (!scores.hasRemaining()) {
        try {
          run(gather());
        } catch (OrtException e) {
          throw new IllegalStateException("Cannot score a batch: " + e.getMessage(), e);
        }
      }
      return scores.getFloat();
    }

    private int gather() {
      first.clear();
      second.clear();
      int count = 0;
      for (; count < BATCH && rows.hasNext(); count++) {
        Pair row = rows.next();
        if (model.type == OnnxJavaType.INT64) {
          first.putLong((long) row.getFirst());
          second.putLong((long) row.getSecond());
        } else {
          first.putFloat((float) row.getFirst());
          second.putFloat((float) row.getSecond());
        }
      }
      first.flip();
      second.flip();
      scores.clear().limit(count * Float.BYTES);
      return count;
    }

    private void run(int count) throws OrtException {
      OrtSession session = session(model);
      NodeInfo output = session.getOutputInfo().values().iterator().next();
      long[] shape = ((TensorInfo) output.getInfo()).getShape().clone();
      Arrays.fill(shape, 1);
      shape[0] = count;
      try (OnnxTensor a = tensor(first, model.type, count);
          OnnxTensor b = tensor(second, model.type, count);
          OnnxTensor score = tensor(scores, OnnxJavaType.FLOAT, shape)) {
        session
            .run(Map.of(model.first, a, model.second, b), Map.of(output.getName(), score))
            .close();
      }
    }

    private static OnnxTensor tensor(ByteBuffer data, OnnxJavaType type, long... shape)
        throws OrtException {
      return OnnxTensor.createTensor(ENVIRONMENT, data, shape, type);
    }

    private static ByteBuffer direct() {
      return ByteBuffer.allocateDirect(BATCH * Long.BYTES).order(ByteOrder.nativeOrder());
    }
  }
}
