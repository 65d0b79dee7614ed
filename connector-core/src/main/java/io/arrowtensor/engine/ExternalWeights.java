package io.arrowtensor.engine;

import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Finds the files beside a model that hold its large weights: each {@code external_data} entry with
 * the key {@code location} in the tensors of an ONNX model. Reads the protobuf's structure only and
 * skips all values; field numbers from onnx.proto.
 */
final class ExternalWeights {
  private static final int MAX_DEPTH = 64;
  private static final int VARINT = 0;
  private static final int FIXED64 = 1;
  private static final int BYTES = 2;
  private static final int FIXED32 = 5;

  /** The messages on the way from a model to its tensors. */
  private enum Message {
    MODEL,
    GRAPH,
    FUNCTION,
    NODE,
    ATTRIBUTE,
    SPARSE,
    TENSOR,
    ENTRY;

    /** The message in field {@code number}, null for one that holds no tensor. */
    @Nullable Message field(int number) {
      return switch (this) {
        case MODEL -> number == 7 ? GRAPH : number == 25 ? FUNCTION : null;
        case GRAPH -> number == 1 ? NODE : number == 5 ? TENSOR : number == 15 ? SPARSE : null;
        case FUNCTION -> number == 7 ? NODE : number == 11 ? ATTRIBUTE : null;
        case NODE -> number == 5 ? ATTRIBUTE : null;
        case ATTRIBUTE ->
            switch (number) {
              case 5, 10 -> TENSOR;
              case 6, 11 -> GRAPH;
              case 22, 23 -> SPARSE;
              default -> null;
            };
        case SPARSE -> number == 1 || number == 2 ? TENSOR : null;
        case TENSOR -> number == 13 ? ENTRY : null;
        case ENTRY -> null;
      };
    }
  }

  private final ByteBuffer bytes;
  private final Set<String> locations = new TreeSet<>();

  private ExternalWeights(ByteBuffer bytes) {
    this.bytes = bytes;
  }

  /**
   * The locations in {@code model}, sorted, relative to its folder.
   *
   * @throws IOException when the file cannot be read or is no ONNX model
   */
  static Set<String> locations(Path model) throws IOException {
    try (FileChannel file = FileChannel.open(model)) {
      if (file.size() > Integer.MAX_VALUE) {
        throw new IOException(
            "it has " + file.size() + " bytes, an ONNX model without its weights at most 2 GiB");
      }
      ByteBuffer bytes = file.map(FileChannel.MapMode.READ_ONLY, 0, file.size());
      ExternalWeights weights = new ExternalWeights(bytes);
      weights.read(Message.MODEL, bytes.limit(), 0);
      return weights.locations;
    } catch (BufferUnderflowException | IllegalArgumentException e) {
      throw new IOException("it is no ONNX model, or not all of one", e);
    }
  }

  private void read(Message message, int end, int depth) {
    if (depth > MAX_DEPTH) {
      throw new IllegalArgumentException("nested too deeply");
    }
    String key = "";
    String value = "";
    while (bytes.position() < end) {
      int tag = (int) varint();
      int number = tag >>> 3;
      if ((tag & 7) != BYTES) {
        skip(tag & 7);
        continue;
      }
      int length = length(end);
      int next = bytes.position() + length;
      @Nullable Message inner = message.field(number);
      if (inner != null) {
        read(inner, next, depth + 1);
      } else if (message == Message.ENTRY) {
        String text = text(next);
        key = number == 1 ? text : key;
        value = number == 2 ? text : value;
      }
      bytes.position(next);
    }
    if (key.equals("location")) {
      locations.add(value);
    }
  }

  private int length(int end) {
    long length = varint();
    if (length < 0 || length > end - bytes.position()) {
      throw new BufferUnderflowException();
    }
    return (int) length;
  }

  private long varint() {
    long value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      byte next = bytes.get();
      value |= (long) (next & 0x7f) << shift;
      if (next >= 0) {
        return value;
      }
    }
    throw new IllegalArgumentException("a number of more than 64 bits");
  }

  private void skip(int wireType) {
    switch (wireType) {
      case VARINT -> varint();
      case FIXED64 -> bytes.position(bytes.position() + 8);
      case FIXED32 -> bytes.position(bytes.position() + 4);
      default -> throw new IllegalArgumentException("wire type " + wireType);
    }
  }

  private String text(int end) {
    byte[] text = new byte[end - bytes.position()];
    bytes.get(text);
    return new String(text, StandardCharsets.UTF_8);
  }
}
