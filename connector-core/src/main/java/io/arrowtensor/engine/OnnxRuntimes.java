package io.arrowtensor.engine;

import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.OrtSession.SessionOptions;
import io.arrowtensor.InterchangeException;
import java.net.URI;
import java.nio.file.Path;

/** Loads models into ONNX Runtime's one environment of this process. */
final class OnnxRuntimes {
  private OnnxRuntimes() {}

  /** Reads what the model in {@code path} takes and gives, with as little work as a load can be. */
  static Signature signature(URI model, Path path) {
    try (OrtSession session = load(model, path, 1, SessionOptions.OptLevel.NO_OPT)) {
      return Signature.of(session, model);
    } catch (OrtException e) {
      throw new InterchangeException("Cannot read model " + model + ": " + e.getMessage(), e);
    }
  }

  /** For running: {@code threads} threads for one operator, the caller's among them. */
  static OrtSession forRuns(URI model, Path path, int threads) {
    return load(model, path, threads, SessionOptions.OptLevel.ALL_OPT);
  }

  private static OrtSession load(
      URI model, Path path, int threads, SessionOptions.OptLevel optimization) {
    try (SessionOptions options = new SessionOptions()) {
      options.setOptimizationLevel(optimization);
      options.setIntraOpNumThreads(threads);
      options.setInterOpNumThreads(1);
      // a spinning pool would take the cores of the engine's other tasks
      options.addConfigEntry("session.intra_op.allow_spinning", "0");
      options.addConfigEntry("session.inter_op.allow_spinning", "0");
      return OnnxEnvironment.started().createSession(path.toString(), options);
    } catch (OrtException e) {
      throw new InterchangeException(
          "Cannot load model "
              + model
              + ": "
              + e.getMessage()
              + "; check that it is a complete ONNX file for this version of ONNX Runtime",
          e);
    }
  }
}
