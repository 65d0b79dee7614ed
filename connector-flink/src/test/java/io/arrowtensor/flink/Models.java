package io.arrowtensor.flink;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/** The models of the core's tests, and ONNX Runtime itself as the oracle. */
final class Models {
  private static final Path FOLDER = Path.of("../connector-core/src/test/resources/onnx");

  private Models() {}

  static String uri(String model) {
    return FOLDER.resolve(model).toUri().normalize().toString();
  }

  /** {@code CREATE MODEL m} with this library's provider; {@code options} begin with a comma. */
  static String create(String input, String output, String model, String options) {
    return "CREATE MODEL m INPUT (%s) OUTPUT (%s) WITH ('provider' = 'tensor', 'model' = '%s'%s)"
        .formatted(input, output, uri(model), options);
  }

  /** What ONNX Runtime makes of all rows in one call, by its own API: {@code output} of a model. */
  static Object score(String model, Map<String, Object> inputs, String output) {
    try (OrtSession session =
        OrtEnvironment.getEnvironment().createSession(FOLDER.resolve(model).toString())) {
      Map<String, OnnxTensor> tensors = new HashMap<>();
      for (Map.Entry<String, Object> input : inputs.entrySet()) {
        tensors.put(
            input.getKey(),
            OnnxTensor.createTensor(OrtEnvironment.getEnvironment(), input.getValue()));
      }
      try (OrtSession.Result result = session.run(tensors)) {
        return result.get(output).orElseThrow().getValue();
      } finally {
        tensors.values().forEach(OnnxTensor::close);
      }
    } catch (OrtException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Threads of this JVM that compute in a model now. */
  static long threadsInModels() {
    return Thread.getAllStackTraces().values().stream()
        .filter(frames -> Arrays.stream(frames).anyMatch(Models::runsModel))
        .count();
  }

  private static boolean runsModel(StackTraceElement frame) {
    return frame.getClassName().equals(OrtSession.class.getName())
        && frame.getMethodName().equals("run");
  }
}
