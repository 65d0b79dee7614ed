package io.arrowtensor.arrow;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;

/**
 * The JSON metadata of {@code arrow.fixed_shape_tensor} (Arrow's canonical extension types).
 *
 * @param shape physical, row-major shape of one row
 * @param permutation for each logical dimension the physical one it is; the identity when the
 *     metadata has none
 * @param dimNames names of the physical dimensions, or an empty list
 */
@SuppressWarnings("ArrayRecordComponent") // read once, by this package alone
record TensorMetadata(long[] shape, int[] permutation, List<String> dimNames) {
  static final String FIXED_SHAPE_TENSOR = "arrow.fixed_shape_tensor";

  /** Reads and checks {@code text}, whose shape must hold {@code listSize} elements. */
  static TensorMetadata parse(String text, int listSize) {
    TensorJson json = TensorJson.read(FIXED_SHAPE_TENSOR, text);
    long[] shape = shape(json);
    int[] permutation = json.permutation(shape.length);
    List<String> names = json.dimNames(shape.length);
    long size = 1;
    try {
      for (long dim : shape) {
        size = Math.multiplyExact(size, dim);
        json.require(dim >= 0, "dimensions must not be negative");
      }
    } catch (ArithmeticException e) {
      throw TensorJson.unreadable(FIXED_SHAPE_TENSOR, text, e);
    }
    json.require(
        size == listSize, "the shape holds " + size + " elements, the storage " + listSize);
    return new TensorMetadata(shape, permutation, names);
  }

  private static long[] shape(TensorJson json) {
    JsonNode array = json.root().path("shape");
    json.require(
        array.isArray() && array.size() <= 64, "'shape' must be an array of at most 64 integers");
    long[] values = new long[array.size()];
    for (int i = 0; i < values.length; i++) {
      json.require(
          array.get(i).isIntegralNumber() && array.get(i).canConvertToLong(),
          "'shape' must hold integers");
      values[i] = array.get(i).longValue();
    }
    return values;
  }

  /**
   * The metadata for rows of {@code shape}, as Arrow C++ writes it: compact, no keys that say
   * nothing.
   */
  static String write(long[] shape, int[] permutation, List<String> dimNames) {
    ObjectNode root = TensorJson.JSON.createObjectNode();
    ArrayNode dims = root.putArray("shape");
    for (long dim : shape) {
      dims.add(dim);
    }
    TensorJson.write(root, permutation, dimNames);
    return root.toString();
  }
}
