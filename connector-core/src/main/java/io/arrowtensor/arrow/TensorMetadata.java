package io.arrowtensor.arrow;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.arrowtensor.InvalidStructException;
import java.util.ArrayList;
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
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Reads and checks {@code json}, whose shape must hold {@code listSize} elements. */
  static TensorMetadata parse(String json, int listSize) {
    try {
      JsonNode root = JSON.readTree(json);
      long[] shape = longs(json, root.path("shape"));
      int[] permutation = permutation(json, root.path("permutation"), shape.length);
      List<String> names = names(json, root.path("dim_names"), shape.length);
      long size = 1;
      for (long dim : shape) {
        size = Math.multiplyExact(size, dim);
        require(dim >= 0, json, "dimensions must not be negative");
      }
      require(
          size == listSize, json, "the shape holds " + size + " elements, the storage " + listSize);
      return new TensorMetadata(shape, permutation, names);
    } catch (JsonProcessingException | ArithmeticException e) {
      throw invalid(
          json, "it is no JSON, or its sizes overflow (" + e.getClass().getSimpleName() + ")");
    }
  }

  private static long[] longs(String json, JsonNode array) {
    require(
        array.isArray() && array.size() <= 64,
        json,
        "'shape' must be an array of at most 64 integers");
    long[] values = new long[array.size()];
    for (int i = 0; i < values.length; i++) {
      require(
          array.get(i).isIntegralNumber() && array.get(i).canConvertToLong(),
          json,
          "'shape' must hold integers");
      values[i] = array.get(i).longValue();
    }
    return values;
  }

  private static int[] permutation(String json, JsonNode array, int ndim) {
    int[] permutation = new int[ndim];
    boolean given = isGiven(json, array, "permutation") && !array.isEmpty();
    require(
        !given || array.size() == ndim,
        json,
        "'permutation' must have one entry for each dimension");
    boolean[] seen = new boolean[ndim];
    for (int i = 0; i < ndim; i++) {
      permutation[i] = !given ? i : array.get(i).isInt() ? array.get(i).intValue() : -1;
      require(
          permutation[i] >= 0 && permutation[i] < ndim && !seen[permutation[i]],
          json,
          "'permutation' must hold 0.." + (ndim - 1) + " once");
      seen[permutation[i]] = true;
    }
    return permutation;
  }

  private static List<String> names(String json, JsonNode array, int ndim) {
    List<String> names = new ArrayList<>();
    if (isGiven(json, array, "dim_names")) {
      array.forEach(
          name -> {
            require(name.isTextual(), json, "'dim_names' must hold strings");
            names.add(name.textValue());
          });
    }
    require(
        names.isEmpty() || names.size() == ndim,
        json,
        "'dim_names' must have one entry for each dimension");
    return names;
  }

  private static boolean isGiven(String json, JsonNode array, String key) {
    boolean given = !array.isMissingNode() && !array.isNull();
    require(!given || array.isArray(), json, "'" + key + "' must be an array");
    return given;
  }

  private static void require(boolean holds, String json, String why) {
    if (!holds) {
      throw invalid(json, why);
    }
  }

  private static InvalidStructException invalid(String json, String why) {
    return new InvalidStructException(
        "Invalid metadata of " + FIXED_SHAPE_TENSOR + ": " + why + ": " + json);
  }

  /**
   * The metadata for rows of {@code shape}, as Arrow C++ writes it: compact, no keys that say
   * nothing.
   */
  static String write(long[] shape, int[] permutation, List<String> dimNames) {
    ObjectNode root = JSON.createObjectNode();
    ArrayNode dims = root.putArray("shape");
    for (long dim : shape) {
      dims.add(dim);
    }
    if (!isIdentity(permutation)) {
      ArrayNode axes = root.putArray("permutation");
      for (int axis : permutation) {
        axes.add(axis);
      }
    }
    if (!dimNames.isEmpty()) {
      ArrayNode names = root.putArray("dim_names");
      dimNames.forEach(names::add);
    }
    return root.toString();
  }

  private static boolean isIdentity(int[] permutation) {
    for (int d = 0; d < permutation.length; d++) {
      if (permutation[d] != d) {
        return false;
      }
    }
    return true;
  }
}
