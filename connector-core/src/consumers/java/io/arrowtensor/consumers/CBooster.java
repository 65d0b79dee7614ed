package io.arrowtensor.consumers;

import io.arrowtensor.internal.Native;
import io.arrowtensor.testing.DlpackStruct;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.ToLongFunction;
import java.util.stream.Stream;
import ml.dmlc.xgboost4j.java.Booster;
import ml.dmlc.xgboost4j.java.XGBoostError;

/**
 * XGBoost's C API ({@code xgboost/c_api.h} 2.1), in the library that XGBoost4J loaded: the
 * functions that take arrays by JSON, which its Java API has for GPUs only.
 */
final class CBooster implements AutoCloseable {
  private static final String CREATE = "{\"missing\":NaN,\"nthread\":1}";
  private static final String PREDICT =
      "{\"type\":0,\"training\":false,\"iteration_begin\":0,\"iteration_end\":0,"
          + "\"strict_shape\":false,\"missing\":NaN}";

  private final CLibrary library;
  private final long booster;

  /** A copy of {@code model} that is used through the C API. */
  CBooster(Booster model) throws XGBoostError {
    byte[] bytes = model.toByteArray();
    library = CLibrary.open(loaded());
    booster = result(out -> library.call("XGBoosterCreate", 0, 0, out));
    long buffer = Native.allocate(bytes.length, 16);
    DlpackStruct.buffer(buffer, bytes.length).put(bytes);
    check(library.call("XGBoosterLoadModelFromBuffer", booster, buffer, bytes.length));
    Native.free(buffer);
  }

  private static Path loaded() {
    try (Stream<String> mappings = Files.lines(Path.of("/proc/self/maps"))) {
      return mappings
          .filter(line -> line.matches(".*/libxgboost4j[^/]*\\.so"))
          .map(line -> Path.of(line.substring(line.indexOf('/'))))
          .findFirst()
          .orElseThrow();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * {@code XGDMatrixCreateFromDense} or {@code XGDMatrixCreateFromColumnar}. The caller frees it.
   *
   * @throws IllegalStateException with XGBoost's words when it refuses
   */
  long matrix(String function, String json) {
    long values = CLibrary.cString(json);
    long config = CLibrary.cString(CREATE);
    try {
      return result(out -> library.call(function, values, config, out));
    } finally {
      Native.free(config);
      Native.free(values);
    }
  }

  void freeMatrix(long matrix) {
    check(library.call("XGDMatrixFree", matrix));
  }

  /** {@code XGBoosterPredictFromDMatrix}. */
  float[] predict(long matrix) {
    return predictions(
        (config, out) ->
            library.call(
                "XGBoosterPredictFromDMatrix", booster, matrix, config, out, out + 8, out + 16));
  }

  /**
   * {@code XGBoosterPredictFromDense} or {@code XGBoosterPredictFromColumnar}, which make no
   * matrix.
   *
   * @throws IllegalStateException with XGBoost's words when it refuses
   */
  float[] predictInPlace(String function, String json) {
    long values = CLibrary.cString(json);
    try {
      return predictions(
          (config, out) ->
              library.call(function, booster, values, config, 0, out, out + 8, out + 16));
    } finally {
      Native.free(values);
    }
  }

  private interface Prediction {
    long call(long config, long out);
  }

  /** Reads shape, number of dimensions and values at three places behind {@code out}. */
  private float[] predictions(Prediction prediction) {
    long config = CLibrary.cString(PREDICT);
    long out = Native.allocate(24, 16);
    try {
      check(prediction.call(config, out));
      ByteBuffer results = DlpackStruct.buffer(out, 24);
      int rows = (int) DlpackStruct.buffer(results.getLong(0), 8).getLong(0);
      float[] values = new float[rows];
      DlpackStruct.buffer(results.getLong(16), 4 * rows).asFloatBuffer().get(values);
      return values;
    } finally {
      Native.free(out);
      Native.free(config);
    }
  }

  private long result(ToLongFunction<Long> call) {
    long out = Native.allocate(8, 16);
    try {
      check(call.applyAsLong(out));
      return DlpackStruct.buffer(out, 8).getLong(0);
    } finally {
      Native.free(out);
    }
  }

  private void check(long status) {
    if ((int) status != 0) {
      throw new IllegalStateException(CLibrary.text(library.call("XGBGetLastError")));
    }
  }

  @Override
  public void close() {
    check(library.call("XGBoosterFree", booster));
  }
}
