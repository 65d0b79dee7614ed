package io.arrowtensor.engine;

import io.arrowtensor.BatchContext;
import io.arrowtensor.BatchFunction;
import io.arrowtensor.BatchSchema;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.FileAccess;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.OwnedBatch;
import java.net.URI;
import org.jspecify.annotations.Nullable;

/**
 * Scores batches with an ONNX model in ONNX Runtime, inside this process, on the CPU. Needs {@code
 * com.microsoft.onnxruntime:onnxruntime} on the class path.
 *
 * <p><b>Columns to inputs.</b> A model with one input {@code [n, k]} takes k columns of numbers,
 * packed in the order given, or one column whose rows have the shape {@code [k]}. Other models take
 * one column per input: by name when the columns are named as the inputs, else by position. Numbers
 * of another type are cast, strings go to string inputs.
 *
 * <p><b>Copies.</b> A column whose type and layout fit is read by the engine at its own address;
 * what is packed, cast or text is copied. Each is counted by {@link BatchContext#count}. Outputs
 * whose rows have a fixed shape are written by the engine straight into the result; others, text
 * and unsigned integers of 16 bits and more are copied out of it ({@link
 * io.arrowtensor.CopyReason#ENGINE_OUTPUT}).
 *
 * <p><b>Results.</b> One column per output, named as the output: {@code [n]} and {@code [n, 1]} as
 * numbers, {@code [n, d]} as rows of shape {@code [d]}, text as strings. Nulls are the caller's
 * policy; {@link io.arrowtensor.Nulls#MASK} is none for a model, which would read what null slots
 * happen to hold.
 *
 * <p><b>Model.</b> {@link #resultSchema} reads the model on the driver, so that what does not fit
 * is refused before any job; the bytes it saw travel as size and SHA-256 with this function, and a
 * worker refuses other bytes, weights files beside the model included. In a worker process all
 * tasks share one loaded model, which uses {@link BatchContext#threads()} threads and does not
 * spin; it is unloaded when the last of them is closed.
 *
 * <p>Thread-safe for {@link #close()} and cancellation, which end a running call; otherwise one
 * thread at a time.
 */
public final class OnnxFunction implements BatchFunction {
  private static final long serialVersionUID = 1;

  private final URI model;
  private volatile @Nullable Fingerprint fingerprint;
  private transient volatile @Nullable OnnxTask task;

  private OnnxFunction(URI model) {
    this.model = model;
  }

  /**
   * A function that scores with the model at {@code model}; nothing is read yet.
   *
   * @param model opened through the engine's file systems; a path without scheme is a local file
   */
  public static OnnxFunction of(URI model) {
    return new OnnxFunction(model);
  }

  /** Where the model lies. */
  public URI model() {
    return model;
  }

  /**
   * One column per output of the model, whose file is read here. From now on this function stands
   * for the bytes that were found.
   *
   * @throws io.arrowtensor.UnsupportedTypeException naming the input, output or column that does
   *     not fit
   * @throws InterchangeException when the model cannot be read
   */
  @Override
  public BatchSchema resultSchema(BatchSchema input, FileAccess files) {
    requireRuntime();
    try (LocalModel local = LocalModel.fetch(model, files)) {
      Signature signature = OnnxRuntimes.signature(model, local.path());
      Binding.of(signature, input);
      fingerprint = local.fingerprint();
      return signature.resultSchema();
    }
  }

  /** False: models know no nulls. */
  @Override
  public boolean readsValidity() {
    return false;
  }

  /**
   * Loads the model unless another task of this process has it loaded.
   *
   * @throws InterchangeException when the model cannot be read or is not the one that the driver
   *     read
   */
  @Override
  public void open(BatchContext context) {
    requireRuntime();
    task = OnnxTask.open(model, fingerprint, context);
  }

  /**
   * Scores one batch of host memory.
   *
   * @throws InterchangeException when a column does not fit, a value cannot be cast, the model
   *     fails, or the task was cancelled
   */
  @Override
  public OwnedBatch apply(DeviceBatch batch) {
    OnnxTask opened = task;
    if (opened == null) {
      throw new IllegalStateException("Cannot score with model " + model + " before open()");
    }
    return opened.apply(batch);
  }

  /** Whether a call is under way. */
  boolean isRunning() {
    OnnxTask opened = task;
    return opened != null && opened.isRunning();
  }

  /** Lets go of the model; ends a call that runs on another thread. Idempotent. */
  @Override
  public void close() {
    OnnxTask opened = task;
    if (opened != null) {
      opened.close();
    }
  }

  private static void requireRuntime() {
    try {
      Class.forName("ai.onnxruntime.OrtEnvironment", false, OnnxFunction.class.getClassLoader());
    } catch (ClassNotFoundException e) {
      throw new InterchangeException(
          "Cannot score with ONNX models: ONNX Runtime is not on the class path; add"
              + " com.microsoft.onnxruntime:onnxruntime to the job's libraries",
          e);
    }
  }

  /** {@code OnnxFunction(file:/models/delay.onnx)}. */
  @Override
  public String toString() {
    return "OnnxFunction(" + model + ")";
  }
}
