package io.arrowtensor.engine;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.TensorInfo;
import ai.onnxruntime.TensorInfo.OnnxTensorType;
import io.arrowtensor.DType;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One input or output tensor of a model.
 *
 * @param name as the model calls it
 * @param type its element type
 * @param shape its dimensions, rows first, -1 where the model leaves one open
 */
record Port(String name, OnnxTensorType type, List<Long> shape) {
  private static final Map<OnnxTensorType, DType> DTYPES =
      Map.ofEntries(
          Map.entry(OnnxTensorType.ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL, DType.BOOL),
          Map.entry(OnnxTensorType.ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8, DType.INT8),
          Map.entry(OnnxTensorType.ONNX_TENSOR_ELEMENT_DATA_TYPE_INT16, DType.INT16),
          Map.entry(OnnxTensorType.ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32, DType.INT32),
          Map.entry(OnnxTensorType.ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64, DType.INT64),
          Map.entry(OnnxTensorType.ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8, DType.UINT8),
          Map.entry(OnnxTensorType.ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT16, DType.UINT16),
          Map.entry(OnnxTensorType.ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT32, DType.UINT32),
          Map.entry(OnnxTensorType.ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT64, DType.UINT64),
          Map.entry(OnnxTensorType.ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16, DType.FLOAT16),
          Map.entry(OnnxTensorType.ONNX_TENSOR_ELEMENT_DATA_TYPE_BFLOAT16, DType.BFLOAT16),
          Map.entry(OnnxTensorType.ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, DType.FLOAT32),
          Map.entry(OnnxTensorType.ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE, DType.FLOAT64));

  static Port of(String name, TensorInfo info) {
    return new Port(name, info.onnxType, Arrays.stream(info.getShape()).boxed().toList());
  }

  boolean isString() {
    return type == OnnxTensorType.ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING;
  }

  /** The element type; null for strings and for types that this library does not hand over. */
  @Nullable DType dtype() {
    return DTYPES.get(type);
  }

  /**
   * The type by which Java code makes such tensors; null where ONNX Runtime's Java API has none, as
   * it takes uint16, uint32 and uint64 for signed.
   */
  @Nullable OnnxJavaType javaType() {
    OnnxJavaType javaType = OnnxJavaType.mapFromOnnxTensorType(type);
    return dtype() != null && OnnxTensorType.mapFromJavaType(javaType) == type ? javaType : null;
  }

  /** The dimensions of one row. */
  List<Long> rowShape() {
    return shape.subList(1, shape.size());
  }

  boolean hasStaticRows() {
    return rowShape().stream().allMatch(dim -> dim >= 0);
  }

  /** The dimensions of one row of a column; {@code [n, 1]} is a column of scalars. */
  List<Long> columnShape() {
    return rowShape().equals(List.of(1L)) ? List.of() : rowShape();
  }

  /** {@code 'x' float32[?, 3]}. */
  @Override
  public String toString() {
    DType dtype = dtype();
    String element = type.name().replace("ONNX_TENSOR_ELEMENT_DATA_TYPE_", "");
    return "'"
        + name
        + "' "
        + (dtype == null ? element.toLowerCase(Locale.ROOT) : dtype)
        + shape.toString().replace("-1", "?");
  }
}
