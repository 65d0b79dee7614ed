package io.arrowtensor.arrow;

import io.arrowtensor.ColumnKind;
import io.arrowtensor.Copy;
import io.arrowtensor.CopyReason;
import io.arrowtensor.DType;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.InvalidStructException;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;
import io.arrowtensor.Storage;
import io.arrowtensor.Stream;
import io.arrowtensor.UnsupportedTypeException;
import io.arrowtensor.internal.BulkCopy;
import io.arrowtensor.internal.Closing;
import io.arrowtensor.internal.RawMemory;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.jspecify.annotations.Nullable;

/** Nodes as columns: values with whatever belongs to them. */
final class NodeColumns {
  private final ArrowNode node;
  private final Options options;
  private final List<@Nullable AutoCloseable> made = new ArrayList<>();

  private NodeColumns(ArrowNode node, Options options) {
    this.node = node;
    this.options = options;
  }

  /** The node as a column called by its field's name; the caller closes it. */
  static DeviceColumn open(ArrowNode node, Options options) {
    NodeColumns columns = new NodeColumns(node, options);
    try {
      DeviceColumn column = columns.values();
      return column
          .withName(node.field().getName() == null ? "" : node.field().getName())
          .withValidity(NodeNulls.both(column.validity(), columns.validity()));
    } catch (RuntimeException | Error e) {
      Closing.quietly(e, columns.made);
      throw e;
    }
  }

  private DeviceColumn values() {
    if (node.isDictionaryEncoded()) {
      ArrowNode dictionary = node.dictionary();
      DeviceColumn indices = DeviceColumn.of("", array(NodeArrays.values(node, options)));
      return dictionary == null ? indices : indices.withDictionary(keep(open(dictionary, options)));
    }
    VariableTensor tensor = VariableTensor.of(node.field());
    if (tensor != null) {
      return tensors(tensor);
    }
    ArrowType type = node.storageType();
    if (type instanceof ArrowType.List || type instanceof ArrowType.LargeList) {
      rejectNulls();
      ArrowNode child = node.child(0);
      // on a device the offsets are its producer's word
      long end = node.isOnHost() ? lastOffset(type instanceof ArrowType.LargeList) : 0;
      if (end > child.length()) {
        throw new InvalidStructException(
            "Invalid offsets of "
                + node.label()
                + ": they end at "
                + end
                + ", the values at "
                + child.length());
      }
      return DeviceColumn.of(
          "",
          ColumnKind.LIST,
          array(NodeArrays.elements(node, child, options)),
          offsets(type instanceof ArrowType.LargeList));
    }
    boolean large = type instanceof ArrowType.LargeUtf8 || type instanceof ArrowType.LargeBinary;
    if (large || type instanceof ArrowType.Utf8 || type instanceof ArrowType.Binary) {
      return bytes(large, type instanceof ArrowType.Utf8 || type instanceof ArrowType.LargeUtf8);
    }
    return DeviceColumn.of("", array(NodeArrays.values(node, options)));
  }

  /** Each part is read as a column of its own; a row is null where it is in any of them. */
  private DeviceColumn tensors(VariableTensor tensor) {
    rejectNulls();
    DeviceColumn data = part(tensor.data());
    DeviceColumn shapes = part(1 - tensor.data());
    DeviceArray offsets = Objects.requireNonNull(data.offsets(), "lists have offsets");
    DeviceArray validity = NodeNulls.both(data.validity(), shapes.validity());
    return DeviceColumn.tensors("", data.values(), offsets, tensor.rows(shapes.values()))
        .withValidity(validity);
  }

  private DeviceColumn part(int child) {
    return keep(open(SlicedNode.of(node.child(child), node.offset(), node.length()), options));
  }

  private DeviceColumn bytes(boolean large, boolean text) {
    if (options.storage() != Storage.AS_BYTES) {
      throw new UnsupportedTypeException(
          "Cannot hand out "
              + node.label()
              + " of type "
              + node.storageType()
              + ": tensors have no strings; ask for bytes with offsets by"
              + " Options.withStorage(Storage.AS_BYTES), or leave it out");
    }
    rejectNulls();
    node.requireHost("read the length of the bytes of");
    long end = lastOffset(large);
    Memory memory =
        Memory.borrow(end == 0 ? 0 : node.buffer(2), DType.UINT8, end)
            .withDevice(node.device())
            .checked();
    DeviceArray values = array(end == 0 ? memory : memory.withOwner(node.retain(2)));
    return DeviceColumn.of(
        "", text ? ColumnKind.STRING : ColumnKind.BINARY, values, offsets(large));
  }

  private void rejectNulls() {
    if (!options.nulls().masks()) {
      NodeNulls.rejectRows(
          node, options.nulls(), "choose Options.withNulls(Nulls.MASK) with DeviceColumn.from");
    }
  }

  private @Nullable DeviceArray validity() {
    return NodeNulls.validity(node, options);
  }

  /**
   * The end of the last row, checked against the start of the first. 0 for an empty node, which may
   * lack the buffer.
   */
  private long lastOffset(boolean large) {
    if (node.length() == 0) {
      return 0;
    }
    long first = offsetAt(large, node.offset());
    long last = offsetAt(large, Math.addExact(node.offset(), node.length()));
    if (first < 0 || last < first) {
      throw new InvalidStructException(
          "Invalid offsets of " + node.label() + ": they run from " + first + " to " + last);
    }
    return last;
  }

  private long offsetAt(boolean large, long index) {
    if (node.buffer(1) == 0) {
      throw new InvalidStructException(
          "Invalid offsets buffer of " + node.label() + ": null for " + node.length() + " rows");
    }
    return large
        ? RawMemory.longAt(node.address(1, index, 8))
        : RawMemory.intAt(node.address(1, index, 4));
  }

  /**
   * An empty node of the host gets a zero of its own, as its buffer may have no bytes; one on a
   * device keeps its buffer, so that all its parts are there.
   */
  private DeviceArray offsets(boolean large) {
    DType dtype = large ? DType.INT64 : DType.INT32;
    if (node.length() == 0 && (node.isOnHost() || node.buffer(1) == 0)) {
      return zero(dtype);
    }
    return array(
        node.memory(1, node.offset(), dtype, Math.addExact(node.length(), 1))
            .withOwner(node.retain(1)));
  }

  /** One zero in host memory, for which a stream of the node's device has nothing to do. */
  private DeviceArray zero(DType dtype) {
    Memory zero = BulkCopy.allocateLike(Memory.borrow(0, dtype, 1), options, CopyReason.OFFSETS);
    RawMemory.fill(zero.address(), zero.nbytes(), (byte) 0);
    boolean stays = options.device() == null && !node.isOnHost();
    return array(zero, stays ? options.withStream(Stream.NONE) : options);
  }

  private DeviceArray array(Memory memory) {
    return array(memory, options);
  }

  private DeviceArray array(Memory memory, Options options) {
    return keep(
        DeviceArray.from(
            memory, memory.outcome() != null ? options.withCopy(Copy.IF_NEEDED) : options));
  }

  private <T extends AutoCloseable> T keep(T part) {
    made.add(part);
    return part;
  }
}
