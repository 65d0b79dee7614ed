package io.arrowtensor.engine;

import static org.assertj.core.api.Assertions.assertThat;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import io.arrowtensor.BatchSchema;
import io.arrowtensor.DType;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.internal.RawMemory;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import org.apache.arrow.memory.util.MemoryUtil;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** ONNX Runtime reads and writes at the columns' own addresses. */
class OnnxInputsTest {
  private final ScoringTask task = new ScoringTask();

  @AfterEach
  void leavesNothingBehind() {
    task.close();
  }

  private static OrtSession session(String model) {
    java.net.URI uri = ScoringTask.model(model);
    return OnnxRuntimes.forRuns(uri, Path.of(uri), 1);
  }

  @ParameterizedTest
  @MethodSource("io.arrowtensor.engine.OnnxFunctionTest#elementTypes")
  void inputTensorLiesInTheColumnsMemory(DType dtype) throws OrtException {
    String name =
        dtype.isJavaFloat() ? (dtype.bits() == 32 ? "float" : "double") : dtype.toString();
    String model = "identity_" + name + ".onnx";
    try (OrtSession session = session(model);
        OwnedBatch batch = OwnedBatch.of(task.column("x", dtype, new double[] {0, 1, 0}))) {
      Signature signature = Signature.of(session, ScoringTask.model(model));
      BatchSchema schema = batch.schema();
      try (OnnxInputs inputs = OnnxInputs.of(Binding.of(signature, schema), batch, task)) {
        OnnxTensor tensor = Objects.requireNonNull(inputs.tensors().get("x"));
        DeviceArray values = batch.column("x").values();
        assertThat(tensor.ownsBuffer()).as("the tensor copied").isFalse();
        assertThat(address(tensor)).isEqualTo(values.address());
        RawMemory.putByte(values.address(), (byte) 1);
        assertThat(tensor.getByteBuffer().get(0))
            .as("what ONNX Runtime reads after the column changed")
            .isEqualTo((byte) 1);
      }
    }
  }

  @Test
  void resultIsTheMemoryThatTheEngineWroteTo() throws OrtException {
    try (OrtSession session = session("matrix_3_to_1.onnx");
        OwnedBatch batch =
            OwnedBatch.of(task.column("x", DType.FLOAT32, new double[] {1, 2, 3, 4, 5, 6}, 3))) {
      Signature signature = Signature.of(session, ScoringTask.model("matrix_3_to_1.onnx"));
      try (OnnxOutputs outputs = OnnxOutputs.allocate(signature, 2, task);
          OnnxInputs inputs = OnnxInputs.of(Binding.of(signature, batch.schema()), batch, task)) {
        OnnxTensor pinned = Objects.requireNonNull(outputs.pinned().get("y"));
        long target = address(pinned);
        RawMemory.putLong(target, -1);
        try (OrtSession.Result result =
                session.run(inputs.tensors(), outputs.requested(), outputs.pinned());
            OwnedBatch columns = outputs.columns(result)) {
          assertThat(result.isResultOwner(0)).as("the engine allocated the output").isFalse();
          assertThat(columns.column("y").values().address()).isEqualTo(target);
          assertThat(RawMemory.longAt(target)).as("two floats written there").isNotEqualTo(-1);
          assertThat(Scored.numbers(columns.column("y")))
              .containsExactly(ownedByTheEngine(session, inputs.tensors()));
        }
      }
    }
  }

  private static double[] ownedByTheEngine(OrtSession session, Map<String, OnnxTensor> inputs)
      throws OrtException {
    try (OrtSession.Result plain = session.run(inputs)) {
      float[][] rows = (float[][]) plain.get(0).getValue();
      return new double[] {rows[0][0], rows[1][0]};
    }
  }

  private static long address(OnnxTensor tensor) {
    ByteBuffer buffer = (ByteBuffer) tensor.getBufferRef().orElseThrow();
    return MemoryUtil.getByteBufferAddress(buffer);
  }
}
