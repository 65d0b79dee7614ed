package io.arrowtensor.engine;

import ai.onnxruntime.MapInfo;
import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.SequenceInfo;
import ai.onnxruntime.TensorInfo;
import io.arrowtensor.BatchSchema;
import io.arrowtensor.DType;
import io.arrowtensor.UnsupportedTypeException;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;

/**
 * What a model takes and gives, checked against what can be done row by row.
 *
 * @param model as errors name it
 */
record Signature(URI model, List<Port> inputs, List<Port> outputs) {

  /**
   * Reads the signature of a loaded model.
   *
   * @throws UnsupportedTypeException naming the input or output that cannot be used, and how to
   *     export the model instead
   */
  static Signature of(OrtSession session, URI model) throws OrtException {
    List<Port> inputs = new ArrayList<>();
    for (NodeInfo node : session.getInputInfo().values()) {
      inputs.add(input(port(node, "input", model), model));
    }
    if (inputs.isEmpty()) {
      throw new UnsupportedTypeException(
          "Cannot use model " + model + ": it has no inputs, so there is nothing to score");
    }
    List<Port> outputs = new ArrayList<>();
    for (NodeInfo node : session.getOutputInfo().values()) {
      outputs.add(output(port(node, "output", model), model));
    }
    return new Signature(model, List.copyOf(inputs), List.copyOf(outputs));
  }

  private static Port port(NodeInfo node, String role, URI model) {
    if (!(node.getInfo() instanceof TensorInfo info)) {
      boolean map = node.getInfo() instanceof SequenceInfo s && s.isSequenceOfMaps();
      map |= node.getInfo() instanceof MapInfo;
      throw refusal(
          model,
          role + " '" + node.getName() + "' is no tensor but " + node.getInfo(),
          map
              ? "export it as a tensor, with skl2onnx by options={'zipmap': False}"
              : "export a model whose " + role + "s are tensors");
    }
    Port port = Port.of(node.getName(), info);
    String named = role + " " + port;
    if (port.shape().isEmpty()) {
      throw refusal(
          model,
          named + " has no dimension that counts rows: it is one value for the whole batch",
          "export it with one value per row");
    }
    if (port.shape().get(0) >= 0) {
      throw refusal(
          model,
          named + " is made for batches of exactly " + port.shape().get(0) + " rows",
          "export it with a dynamic batch dimension (torch.onnx.export: dynamic_axes)");
    }
    return port;
  }

  private static Port input(Port port, URI model) {
    if (!port.isString() && port.javaType() == null) {
      throw refusal(
          model,
          "input " + port + " has an element type that ONNX Runtime's Java API cannot hand in",
          "export it with a signed or a floating-point input and a Cast node behind it");
    }
    return port;
  }

  private static Port output(Port port, URI model) {
    if (port.dtype() == null && !port.isString()) {
      throw refusal(
          model,
          "output " + port + " has an element type that no column has",
          "export it with a Cast node before that output");
    }
    if (port.isString() && !port.columnShape().isEmpty()) {
      throw refusal(
          model, "output " + port + " has several strings per row", "export one output per string");
    }
    return port;
  }

  private static UnsupportedTypeException refusal(URI model, String what, String remedy) {
    return new UnsupportedTypeException("Cannot use model " + model + ": " + what + "; " + remedy);
  }

  /** One column per output. */
  BatchSchema resultSchema() {
    return new BatchSchema(outputs.stream().map(Signature::column).toList());
  }

  private static BatchSchema.Column column(Port output) {
    DType dtype = output.dtype();
    return dtype == null
        ? BatchSchema.Column.string(output.name())
        : BatchSchema.Column.tensor(
            output.name(), dtype, output.columnShape().toArray(new Long[0]));
  }
}
