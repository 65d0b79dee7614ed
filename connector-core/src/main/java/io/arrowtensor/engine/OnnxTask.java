package io.arrowtensor.engine;

import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.OrtSession.RunOptions;
import io.arrowtensor.BatchContext;
import io.arrowtensor.BatchSchema;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.OwnedBatch;
import java.net.URI;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One task's use of a loaded model. Batches run on the task's thread; a cancel or a close from
 * another thread ends a running call, and what the call uses is freed after it has ended.
 */
final class OnnxTask implements AutoCloseable {
  private final BatchContext context;
  private final SharedSession shared;
  private final Signature signature;
  private final RunOptions runOptions;
  private @Nullable BatchSchema boundTo;
  private List<Feed> feeds = List.of();
  private boolean running;
  private boolean closed;
  private volatile boolean terminated;

  private OnnxTask(BatchContext context, SharedSession shared, URI model) throws OrtException {
    this.context = context;
    this.shared = shared;
    this.signature = Signature.of(shared.session(), model);
    this.runOptions = new RunOptions();
  }

  /**
   * Loads the model, or joins the tasks that have it loaded.
   *
   * @param expected what the driver read, null when no driver did
   */
  static OnnxTask open(URI model, @Nullable Fingerprint expected, BatchContext context) {
    int threads = context.threads();
    if (expected != null) {
      return open(
          model,
          context,
          SharedSession.acquire(
              new SharedSession.Key(expected, threads), () -> load(model, expected, context)));
    }
    try (LocalModel local = LocalModel.fetch(model, context)) {
      return open(
          model,
          context,
          SharedSession.acquire(
              new SharedSession.Key(local.fingerprint(), threads),
              () -> load(model, local, context)));
    }
  }

  private static OnnxTask open(URI model, BatchContext context, SharedSession shared) {
    try {
      OnnxTask task = new OnnxTask(context, shared, model);
      context.onCancel(task::terminate);
      return task;
    } catch (OrtException e) {
      shared.release();
      throw new InterchangeException("Cannot open model " + model + ": " + e.getMessage(), e);
    } catch (RuntimeException | Error e) {
      shared.release();
      throw e;
    }
  }

  private static OrtSession load(URI model, Fingerprint expected, BatchContext context) {
    try (LocalModel local = LocalModel.fetch(model, context)) {
      expected.require(local.fingerprint(), model);
      return load(model, local, context);
    }
  }

  private static OrtSession load(URI model, LocalModel local, BatchContext context) {
    long start = System.nanoTime();
    OrtSession session = OnnxRuntimes.forRuns(model, local.path(), context.threads());
    context.countModelLoad(System.nanoTime() - start);
    return session;
  }

  /** Scores one batch. */
  OwnedBatch apply(DeviceBatch batch) {
    bind(batch.schema());
    begin();
    try {
      return run(batch);
    } finally {
      end();
    }
  }

  /** Columns may differ in shape or type from one batch to the next. */
  private void bind(BatchSchema columns) {
    if (!columns.equals(boundTo)) {
      feeds = Binding.of(signature, columns);
      boundTo = columns;
    }
  }

  private OwnedBatch run(DeviceBatch batch) {
    try (OnnxOutputs outputs = OnnxOutputs.allocate(signature, batch.rowCount(), context)) {
      if (batch.rowCount() == 0) {
        return outputs.emptyColumns();
      }
      try (OnnxInputs inputs = OnnxInputs.of(feeds, batch, context);
          OrtSession.Result result = run(inputs, outputs, batch.rowCount())) {
        return outputs.columns(result);
      }
    } catch (OrtException e) {
      throw failure(e, batch.rowCount());
    }
  }

  private OrtSession.Result run(OnnxInputs inputs, OnnxOutputs outputs, long rows)
      throws OrtException {
    OrtSession session = shared.session();
    try {
      return session.run(inputs.tensors(), outputs.requested(), outputs.pinned(), runOptions);
    } catch (OrtException e) {
      if (!terminated && e.getCode() == OrtException.OrtErrorCode.ORT_INVALID_ARGUMENT) {
        explain(session, inputs, rows, e);
      }
      throw e;
    }
  }

  /**
   * An output of another size than its memory fails somewhere inside of the model; a run that lets
   * the engine allocate tells which one it is.
   */
  private void explain(OrtSession session, OnnxInputs inputs, long rows, OrtException failure) {
    try (OrtSession.Result result =
        session.run(inputs.tensors(), session.getOutputNames(), Map.of(), runOptions)) {
      OnnxOutputs.requireRows(signature, result, rows);
    } catch (OrtException e) {
      failure.addSuppressed(e);
    }
  }

  private InterchangeException failure(OrtException e, long rows) {
    if (terminated) {
      return new InterchangeException(
          "Stopped model " + signature.model() + ": the task " + context.task() + " was cancelled",
          e);
    }
    return new InterchangeException(
        "Cannot run model "
            + signature.model()
            + " on a batch of "
            + rows
            + " rows: "
            + e.getMessage(),
        e);
  }

  private synchronized void begin() {
    if (closed) {
      throw new IllegalStateException("Cannot use model " + signature.model() + " after close()");
    }
    running = true;
  }

  /** Whether a call is under way. */
  synchronized boolean isRunning() {
    return running;
  }

  private synchronized void end() {
    running = false;
    if (closed) {
      free();
    }
  }

  /** Ends a running call within the operator that it is in, and fails the calls after it. */
  private synchronized void terminate() {
    if (!closed || running) {
      terminated = true;
      try {
        runOptions.setTerminate(true);
      } catch (OrtException e) {
        throw new InterchangeException("Cannot stop model " + signature.model(), e);
      }
    }
  }

  /** Lets go of the model, at once or when the running call has ended, which it stops. */
  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    if (running) {
      terminate();
      closed = true;
    } else {
      closed = true;
      free();
    }
  }

  private void free() {
    runOptions.close();
    shared.release();
  }
}
