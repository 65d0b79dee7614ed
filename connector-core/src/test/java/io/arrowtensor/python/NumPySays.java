package io.arrowtensor.python;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.arrowtensor.DType;
import io.arrowtensor.Memory;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.params.provider.Arguments;

/**
 * What NumPy 2.4.6 said about its arrays: {@code protocols.json}, written by {@code
 * make_protocols.py} beside it.
 */
final class NumPySays {
  private static final JsonNode ROOT = read();
  private static final List<DType> DTYPES =
      List.of(
          DType.BOOL,
          DType.INT8,
          DType.INT16,
          DType.INT32,
          DType.INT64,
          DType.UINT8,
          DType.UINT16,
          DType.UINT32,
          DType.UINT64,
          DType.FLOAT16,
          DType.FLOAT32,
          DType.FLOAT64,
          DType.COMPLEX64,
          DType.COMPLEX128);

  private NumPySays() {}

  /** Names of an element type. */
  record TypeNames(
      DType dtype, String typestr, char kind, int itemSize, String format, int alignment) {
    @Override
    public String toString() {
      return dtype.toString();
    }
  }

  /**
   * A layout in elements, and what NumPy says about float32 elements in it.
   *
   * @param extra bytes by which the array is misplaced
   */
  @SuppressWarnings("ArrayRecordComponent") // read only
  record Layout(
      String name,
      long[] shape,
      long[] strides,
      int offset,
      int extra,
      boolean writeable,
      JsonNode said) {

    /** Bytes from the base to the first element of {@code itemSize} bytes. */
    long start(int itemSize) {
      return (long) offset * itemSize + extra;
    }

    Memory over(long base, DType dtype) {
      return Memory.borrow(base + start(dtype.itemSize()), dtype, shape)
          .withStrides(strides)
          .withReadOnly(!writeable);
    }

    long size() {
      return Arrays.stream(shape).reduce(1, (a, b) -> a * b);
    }

    /** Strides in bytes, whatever they say. */
    long[] strides(int itemSize) {
      return Arrays.stream(strides).map(s -> s * itemSize).toArray();
    }

    @Override
    public String toString() {
      return name + (writeable ? "" : ", read-only");
    }
  }

  static Stream<TypeNames> types() {
    return list("types")
        .map(
            said ->
                new TypeNames(
                    DTYPES.stream()
                        .filter(dtype -> dtype.toString().equals(said.get("dtype").asText()))
                        .findFirst()
                        .orElseThrow(),
                    said.get("typestr").asText(),
                    said.get("typekind").asText().charAt(0),
                    said.get("itemsize").asInt(),
                    said.get("format").asText(),
                    said.get("alignment").asInt()));
  }

  static Stream<Layout> layouts() {
    return list("layouts")
        .map(
            said ->
                new Layout(
                    said.get("name").asText(),
                    longs(said.get("shape")),
                    longs(said.get("strides")),
                    said.get("offset").asInt(),
                    said.get("extra").asInt(),
                    said.get("writeable").asBoolean(),
                    said));
  }

  /** Each type in each layout. */
  static Stream<Arguments> cases() {
    return types().flatMap(type -> layouts().map(layout -> Arguments.of(type, layout)));
  }

  /** Arrays that NumPy can describe and that are no tensors. */
  static Stream<JsonNode> refused() {
    return list("refused");
  }

  /** The buffer requests by name. */
  static Map<String, Integer> requests() {
    Map<String, Integer> requests = new TreeMap<>();
    JsonNode said = ROOT.get("requests");
    said.fieldNames().forEachRemaining(name -> requests.put(name, said.get(name).asInt()));
    return requests;
  }

  /** An array of integers; null for null. */
  static long[] longs(JsonNode array) {
    return array.isNull()
        ? null
        : StreamSupport.stream(array.spliterator(), false).mapToLong(JsonNode::asLong).toArray();
  }

  private static Stream<JsonNode> list(String key) {
    return StreamSupport.stream(ROOT.get(key).spliterator(), false);
  }

  private static JsonNode read() {
    try (InputStream json = NumPySays.class.getResourceAsStream("/python/protocols.json")) {
      return new ObjectMapper().readTree(json);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
