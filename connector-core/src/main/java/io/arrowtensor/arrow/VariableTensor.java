package io.arrowtensor.arrow;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.arrowtensor.BatchSchema;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.InvalidStructException;
import io.arrowtensor.TensorRows;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.Field;
import org.jspecify.annotations.Nullable;

/**
 * The type {@code arrow.variable_shape_tensor}: a struct of the elements as lists and of each row's
 * shape.
 *
 * @param data position of the lists among the struct's children; the shapes are the other one
 * @param ndim dimensions of every row
 * @param permutation for each logical dimension the physical one it is
 * @param dimNames names of the physical dimensions, or an empty list
 * @param uniformShape physical dimensions that all rows share, or an empty list
 */
record VariableTensor(
    int data, int ndim, List<Integer> permutation, List<String> dimNames, List<Long> uniformShape) {
  static final String NAME = "arrow.variable_shape_tensor";
  static final String DATA = "data";
  static final String SHAPE = "shape";

  /** What {@code field} says, null when it is of another type. */
  static @Nullable VariableTensor of(Field field) {
    Element element = Element.of(field);
    if (!NAME.equals(element.extension())) {
      return null;
    }
    List<Field> children = field.getChildren();
    int data = position(children, DATA);
    int shape = position(children, SHAPE);
    boolean fits =
        (field.getType() instanceof ArrowType.Struct
                || field.getType() instanceof ArrowType.ExtensionType)
            && children.size() == 2
            && data >= 0
            && shape >= 0
            && isList(children.get(data).getType())
            && children.get(shape).getType() instanceof ArrowType.FixedSizeList
            && isInt32(children.get(shape).getChildren().get(0).getType());
    if (!fits) {
      throw new InvalidStructException(
          "Invalid storage of "
              + NAME
              + " in column '"
              + field.getName()
              + "': expected a struct of the list 'data' and the int32 fixed-size list 'shape', got "
              + field);
    }
    int ndim = ((ArrowType.FixedSizeList) children.get(shape).getType()).getListSize();
    return parse(data, ndim, element.metadata());
  }

  private static int position(List<Field> children, String name) {
    return IntStream.range(0, children.size())
        .filter(i -> name.equals(children.get(i).getName()))
        .findFirst()
        .orElse(-1);
  }

  private static boolean isList(ArrowType type) {
    return type instanceof ArrowType.List || type instanceof ArrowType.LargeList;
  }

  private static boolean isInt32(ArrowType type) {
    return type.equals(new ArrowType.Int(32, true));
  }

  private static VariableTensor parse(int data, int ndim, String metadata) {
    TensorJson json = TensorJson.read(NAME, metadata.isBlank() ? "{}" : metadata);
    json.require(ndim <= 64, "more than 64 dimensions");
    return new VariableTensor(
        data,
        ndim,
        IntStream.of(json.permutation(ndim)).boxed().toList(),
        json.dimNames(ndim),
        uniformShape(json, ndim));
  }

  private static List<Long> uniformShape(TensorJson json, int ndim) {
    JsonNode array = json.root().path("uniform_shape");
    List<Long> shape = new ArrayList<>();
    if (json.isGiven(array, "uniform_shape")) {
      for (JsonNode dim : array) {
        json.require(
            dim.isNull() || (dim.isInt() && dim.intValue() >= 0),
            "'uniform_shape' must hold sizes or nulls");
        shape.add(dim.isNull() ? BatchSchema.DYNAMIC : dim.longValue());
      }
    }
    json.require(
        shape.isEmpty() || shape.size() == ndim,
        "'uniform_shape' must have one entry for each dimension");
    return shape;
  }

  /** The logical shape that all rows have, {@link BatchSchema#DYNAMIC} where they differ. */
  List<Long> logicalShape() {
    return permutation.stream()
        .map(axis -> uniformShape.isEmpty() ? BatchSchema.DYNAMIC : uniformShape.get(axis))
        .toList();
  }

  /** The rows whose shapes are {@code shapes}. */
  TensorRows rows(DeviceArray shapes) {
    return new TensorRows(shapes, permutation, dimNames, uniformShape);
  }

  /** The metadata of a field that holds {@code rows}. */
  static Map<String, String> metadata(TensorRows rows) {
    ObjectNode root = TensorJson.JSON.createObjectNode();
    int[] permutation = rows.permutation().stream().mapToInt(Integer::intValue).toArray();
    TensorJson.write(root, permutation, rows.dimNames());
    if (!rows.uniformShape().isEmpty()) {
      ArrayNode dims = root.putArray("uniform_shape");
      for (long dim : rows.uniformShape()) {
        if (dim == BatchSchema.DYNAMIC) {
          dims.addNull();
        } else {
          dims.add(dim);
        }
      }
    }
    return Map.of(ArrowNode.EXTENSION_NAME, NAME, ArrowNode.EXTENSION_METADATA, root.toString());
  }
}
