package io.arrowtensor.python;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.arrowtensor.DeviceType;
import io.arrowtensor.InvalidStructException;
import io.arrowtensor.Stream;
import io.arrowtensor.internal.Shapes;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** The JSON form of both array interfaces, read with suspicion. */
final class InterfaceJson {
  private static final int MAX_LENGTH = 1 << 16;
  private static final int SHOWN = 200;
  private static final ObjectMapper JSON =
      new ObjectMapper()
          .enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  private final String text;

  private InterfaceJson(String text) {
    this.text = text;
  }

  /** An {@code __array_interface__}, which has no stream. */
  static ArrayInterface parse(String text) {
    InterfaceJson json = new InterfaceJson(text);
    JsonNode root = json.root();
    json.require(
        isAbsent(root.path("stream")),
        "it has a 'stream', so its memory is on a device: use CudaArrayInterface");
    return json.array(root, true);
  }

  /** A {@code __cuda_array_interface__}. */
  static CudaArrayInterface parseCuda(String text) {
    InterfaceJson json = new InterfaceJson(text);
    JsonNode root = json.root();
    Stream stream = json.stream(root.path("stream"));
    JsonNode maskStream = root.path("mask").path("stream");
    json.require(
        isAbsent(maskStream) || json.stream(maskStream).equals(stream),
        "the mask is written on another stream; synchronize with one of them");
    return new CudaArrayInterface(json.array(root, true), stream);
  }

  private JsonNode root() {
    require(text.length() <= MAX_LENGTH, "it has more than " + MAX_LENGTH + " characters");
    try {
      JsonNode root = JSON.readTree(text);
      require(root.isObject(), "it is no object");
      return root;
    } catch (JsonProcessingException e) {
      throw invalid("it is no JSON (" + e.getOriginalMessage() + ")");
    }
  }

  private ArrayInterface array(JsonNode node, boolean mayHaveMask) {
    JsonNode version = node.path("version");
    require(version.isInt(), "'version' must be an integer");
    JsonNode data = node.path("data");
    require(
        data.isArray() && data.size() == 2 && data.get(1).isBoolean(),
        "'data' must be an address and whether it is read-only");
    JsonNode typestr = node.path("typestr");
    require(typestr.isTextual(), "'typestr' must be a string");
    JsonNode strides = node.path("strides");
    JsonNode mask = node.path("mask");
    require(
        isAbsent(mask) || (mayHaveMask && mask.isObject()),
        mayHaveMask ? "'mask' must be an object" : "the mask has a mask itself");
    return new ArrayInterface(
        integers(node.path("shape"), "shape"),
        Typestr.parse(typestr.textValue()),
        integer(data.get(0), "data"),
        data.get(1).booleanValue(),
        isAbsent(strides) ? null : integers(strides, "strides"),
        version.intValue(),
        isAbsent(mask) ? null : array(mask, false));
  }

  private Stream stream(JsonNode node) {
    if (isAbsent(node)) {
      return Stream.NONE;
    }
    long handle = integer(node, "stream");
    require(handle > 0, "'stream' must be null, 1, 2 or a handle; 0 is ambiguous and not allowed");
    return Stream.of(handle, DeviceType.CUDA);
  }

  private long[] integers(JsonNode array, String key) {
    require(
        array.isArray() && array.size() <= Shapes.MAX_NDIM,
        "'" + key + "' must be an array of at most " + Shapes.MAX_NDIM + " integers");
    long[] values = new long[array.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = integer(array.get(i), key);
    }
    return values;
  }

  private long integer(JsonNode value, String key) {
    require(
        value.isIntegralNumber() && value.canConvertToLong(),
        "'" + key + "' must hold integers of 64 bits");
    return value.longValue();
  }

  private static boolean isAbsent(JsonNode node) {
    return node.isMissingNode() || node.isNull();
  }

  private void require(boolean holds, String why) {
    if (!holds) {
      throw invalid(why);
    }
  }

  private InvalidStructException invalid(String why) {
    String shown = text.length() > SHOWN ? text.substring(0, SHOWN) + "..." : text;
    return new InvalidStructException("Invalid array interface: " + why + ": " + shown);
  }

  /** Keys that say nothing are left out. {@code extra} is written behind the last one. */
  static String write(ArrayInterface array, String extra) {
    long @Nullable [] strides = array.strides();
    ArrayInterface mask = array.mask();
    return "{\"data\":["
        + array.address()
        + ","
        + array.isReadOnly()
        + "],\"shape\":"
        + Arrays.toString(array.shape()).replace(" ", "")
        + (strides == null ? "" : ",\"strides\":" + Arrays.toString(strides).replace(" ", ""))
        + ",\"typestr\":\""
        + array.typestr() // checked to need no escapes
        + "\",\"version\":"
        + array.version()
        + (mask == null ? "" : ",\"mask\":" + write(mask, ""))
        + extra
        + "}";
  }
}
