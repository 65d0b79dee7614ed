package io.arrowtensor.flink;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** ONNX Runtime as its documentation shows it, without this library: what results must equal. */
final class PlainOnnx {
  static final Path MODELS = Path.of("../connector-core/src/test/resources/onnx").toAbsolutePath();
  static final Path DELAY =
      Path.of("../connector-spark/src/quickstart/model/delay_carryover.onnx").toAbsolutePath();

  /** The same trees over one input {@code [rows, 2]} of floats. */
  static final Path DELAY_MATRIX = DELAY.resolveSibling("delay_carryover_matrix.onnx");

  private PlainOnnx() {}

  /** The scores of {@link #DELAY}, in the order of the flights. */
  static double[] scores(List<Flight> flights) throws OrtException {
    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    long[] delays = flights.stream().mapToLong(flight -> flight.delay).toArray();
    long[] distances = flights.stream().mapToLong(flight -> flight.distance).toArray();
    try (OrtSession session = environment.createSession(DELAY.toString());
        OnnxTensor delay = OnnxTensor.createTensor(environment, delays);
        OnnxTensor distance = OnnxTensor.createTensor(environment, distances);
        OrtSession.Result result = session.run(Map.of("delay", delay, "distance", distance))) {
      float[][] scores = (float[][]) result.get(0).getValue();
      double[] flat = new double[scores.length];
      for (int i = 0; i < flat.length; i++) {
        flat[i] = scores[i][0];
      }
      return flat;
    }
  }
}
