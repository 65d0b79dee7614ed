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
 * The JSON metadata of a tensor extension, read with suspicion.
 *
 * @param extension its name, for errors
 * @param text what was read
 * @param root the document
 */
record TensorJson(String extension, String text, JsonNode root) {
  static final ObjectMapper JSON = new ObjectMapper();

  static TensorJson read(String extension, String text) {
    try {
      return new TensorJson(extension, text, JSON.readTree(text));
    } catch (JsonProcessingException e) {
      throw unreadable(extension, text, e);
    }
  }

  static InvalidStructException unreadable(String extension, String text, Exception e) {
    return invalid(
        extension,
        text,
        "it is no JSON, or its sizes overflow (" + e.getClass().getSimpleName() + ")");
  }

  private static InvalidStructException invalid(String extension, String text, String why) {
    return new InvalidStructException(
        "Invalid metadata of " + extension + ": " + why + ": " + text);
  }

  void require(boolean holds, String why) {
    if (!holds) {
      throw invalid(extension, text, why);
    }
  }

  /** The identity where there is none. */
  int[] permutation(int ndim) {
    JsonNode array = root.path("permutation");
    int[] permutation = new int[ndim];
    boolean given = isGiven(array, "permutation") && !array.isEmpty();
    require(!given || array.size() == ndim, "'permutation' must have one entry for each dimension");
    boolean[] seen = new boolean[ndim];
    for (int i = 0; i < ndim; i++) {
      permutation[i] = !given ? i : array.get(i).isInt() ? array.get(i).intValue() : -1;
      require(
          permutation[i] >= 0 && permutation[i] < ndim && !seen[permutation[i]],
          "'permutation' must hold 0.." + (ndim - 1) + " once");
      seen[permutation[i]] = true;
    }
    return permutation;
  }

  /** The names of the dimensions, or an empty list. */
  List<String> dimNames(int ndim) {
    JsonNode array = root.path("dim_names");
    List<String> names = new ArrayList<>();
    if (isGiven(array, "dim_names")) {
      array.forEach(
          name -> {
            require(name.isTextual(), "'dim_names' must hold strings");
            names.add(name.textValue());
          });
    }
    require(
        names.isEmpty() || names.size() == ndim,
        "'dim_names' must have one entry for each dimension");
    return names;
  }

  boolean isGiven(JsonNode array, String key) {
    boolean given = !array.isMissingNode() && !array.isNull();
    require(!given || array.isArray(), "'" + key + "' must be an array");
    return given;
  }

  /** Writes what the two extensions have in common, where it says something. */
  static void write(ObjectNode root, int[] permutation, List<String> dimNames) {
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
