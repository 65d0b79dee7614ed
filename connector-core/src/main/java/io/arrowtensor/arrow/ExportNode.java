package io.arrowtensor.arrow;

import io.arrowtensor.ArraySource;
import io.arrowtensor.ColumnKind;
import io.arrowtensor.Copy;
import io.arrowtensor.CopyReason;
import io.arrowtensor.DType;
import io.arrowtensor.Device;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;
import io.arrowtensor.Stream;
import io.arrowtensor.TensorRows;
import io.arrowtensor.UnsupportedTypeException;
import io.arrowtensor.internal.BulkCopy;
import io.arrowtensor.internal.Closing;
import io.arrowtensor.internal.Owner;
import io.arrowtensor.internal.Shapes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One array on its way into C structs. It holds the references that its struct will hold.
 *
 * @param schema its type
 * @param length rows
 * @param buffers what each buffer holds, validity first; null for an absent one
 * @param children child arrays
 * @param dictionary the dictionary, null when the values are no indices
 */
record ExportNode(
    SchemaNode schema,
    long length,
    List<@Nullable Memory> buffers,
    List<ExportNode> children,
    @Nullable ExportNode dictionary)
    implements AutoCloseable {

  /** An array for the host. */
  static ExportNode of(String name, ArraySource source, Options options) {
    return of(name, Memory.forExportContiguous(source, options), (Memory) null);
  }

  /** An array for wherever it is or shall be. */
  static ExportNode placed(String name, ArraySource source, Options options) {
    try (DeviceArray array = DeviceArray.from(source, options)) {
      boolean copied = options.copy() == Copy.ALWAYS;
      return of(
          name,
          exported(array, copied ? options.withCopy(Copy.IF_NEEDED) : options),
          (Memory) null);
    }
  }

  /**
   * Memory on a device keeps what it waits for, which a C Device struct can say, unless the caller
   * names the consumer's stream.
   */
  private static Memory exported(DeviceArray array, Options options) {
    Device target = options.device() == null ? array.device() : options.device();
    boolean waits = !target.type().isHostAccessible() && options.stream().equals(Stream.NONE);
    return Memory.forExportContiguous(array, waits ? options.withStream(Stream.NO_SYNC) : options);
  }

  /** Takes over both, releases them on failure. */
  private static ExportNode of(String name, Memory memory, @Nullable Memory validity) {
    try {
      return nested(name, memory, validity);
    } catch (RuntimeException | Error e) {
      Closing.quietly(
          e, Arrays.asList(memory::release, validity == null ? null : validity::release));
      throw e;
    }
  }

  private static ExportNode nested(String name, Memory memory, @Nullable Memory validity) {
    long[] shape = memory.shape();
    boolean flat = shape.length < 2;
    SchemaNode element =
        new SchemaNode(
            Formats.of(ElementTypes.arrowType(memory.dtype())),
            flat ? name : "item",
            ElementTypes.metadata(memory.dtype()),
            List.of(),
            null);
    ExportNode node =
        new ExportNode(
            element,
            Shapes.size(shape),
            Arrays.asList(flat ? validity : null, memory),
            List.of(),
            null);
    for (int d = shape.length - 1; d >= 1; d--) {
      String format = "+w:" + TensorFields.listSize(shape, d, d + 1);
      node =
          new ExportNode(
              SchemaNode.plain(format, d == 1 ? name : "item", node.schema),
              Shapes.size(Arrays.copyOf(shape, d)),
              Arrays.asList(d == 1 ? validity : null),
              List.of(node),
              null);
    }
    return node;
  }

  static ExportNode of(DeviceColumn column, Options options) {
    DeviceArray offsets = column.offsets();
    DeviceColumn dictionary = column.dictionary();
    Memory validity = bitmap(column, options);
    Memory values;
    try {
      values = exported(column.values(), options);
    } catch (RuntimeException | Error e) {
      Closing.quietly(e, Arrays.asList(validity == null ? null : validity::release));
      throw e;
    }
    if (offsets != null) {
      return withOffsets(column, offsets, values, validity, options);
    }
    ExportNode node = of(column.name(), values, validity);
    if (dictionary == null) {
      return node;
    }
    try {
      ExportNode words = of(dictionary.withName(""), options);
      return new ExportNode(
          node.schema.withDictionary(words.schema),
          node.length,
          node.buffers,
          node.children,
          words);
    } catch (RuntimeException | Error e) {
      Closing.quietly(e, List.of(node));
      throw e;
    }
  }

  private static ExportNode withOffsets(
      DeviceColumn column,
      DeviceArray offsets,
      Memory values,
      @Nullable Memory validity,
      Options options) {
    List<@Nullable AutoCloseable> held =
        new ArrayList<>(
            Arrays.asList(values::release, validity == null ? null : validity::release));
    try {
      boolean large = offsets.dtype().equals(DType.INT64);
      Memory starts = exported(offsets, options);
      held.add(starts::release);
      TensorRows rows = column.tensorRows();
      if (rows != null) {
        ExportNode data = list(VariableTensor.DATA, values, starts, null);
        ExportNode shapes =
            of(VariableTensor.SHAPE, exported(rows.shapes(), options), (Memory) null);
        return new ExportNode(
            SchemaNode.tensors(column.name(), rows, data.schema, shapes.schema),
            column.rowCount(),
            Arrays.asList(validity),
            List.of(data, shapes),
            null);
      }
      if (column.kind() == ColumnKind.LIST) {
        return list(column.name(), values, starts, validity);
      }
      String format = column.kind() == ColumnKind.STRING ? "u" : "z";
      return new ExportNode(
          SchemaNode.plain(large ? format.toUpperCase(Locale.ROOT) : format, column.name()),
          column.rowCount(),
          Arrays.asList(validity, starts, values),
          List.of(),
          null);
    } catch (RuntimeException | Error e) {
      Closing.quietly(e, held);
      throw e;
    }
  }

  private static ExportNode list(
      String name, Memory values, Memory starts, @Nullable Memory validity) {
    ExportNode child = nested("item", values, null);
    boolean large = starts.dtype().equals(DType.INT64);
    return new ExportNode(
        SchemaNode.plain(large ? "+L" : "+l", name, child.schema),
        starts.shape()[0] - 1,
        Arrays.asList(validity, starts),
        List.of(child),
        null);
  }

  static ExportNode of(DeviceBatch batch, Options options) {
    List<ExportNode> children = new ArrayList<>();
    try {
      for (DeviceColumn column : batch.columns()) {
        children.add(of(column, options));
      }
    } catch (RuntimeException | Error e) {
      Closing.quietly(e, children);
      throw e;
    }
    SchemaNode[] schemas = children.stream().map(ExportNode::schema).toArray(SchemaNode[]::new);
    return new ExportNode(
        SchemaNode.plain("+s", "", schemas),
        batch.rowCount(),
        Arrays.asList((Memory) null),
        children,
        null);
  }

  private static @Nullable Memory bitmap(DeviceColumn column, Options options) {
    DeviceArray mask = NodeNulls.hostMask(column);
    if (mask == null) {
      return null;
    }
    Memory flags = mask.open(Options.defaults()); // stays while it is read, whoever closes the mask
    try {
      Memory bitmap =
          BulkCopy.allocateLike(
              Memory.borrow(0, DType.UINT8, (mask.size() + 7) / 8), options, CopyReason.VALIDITY);
      BulkCopy.packBits(flags.start(), mask.size(), bitmap.address());
      return bitmap;
    } finally {
      flags.release();
    }
  }

  /** The owners of this node's own buffers; each holds a reference that passes to the struct. */
  List<Owner> owners() {
    List<Owner> owners = new ArrayList<>();
    for (Memory buffer : buffers) {
      if (buffer != null && buffer.owner() != null) {
        owners.add(buffer.owner());
      }
    }
    return owners;
  }

  /** Visits every buffer of this node, its children and its dictionary. */
  void forEachBuffer(Consumer<Memory> visitor) {
    for (Memory buffer : buffers) {
      if (buffer != null) {
        visitor.accept(buffer);
      }
    }
    for (ExportNode child : children) {
      child.forEachBuffer(visitor);
    }
    if (dictionary != null) {
      dictionary.forEachBuffer(visitor);
    }
  }

  /** The array as errors name it. */
  String label() {
    return schema.name().isEmpty() ? "the array" : "column '" + schema.name() + "'";
  }

  /**
   * Values before the first one, in every buffer: what lies between an opaque handle and the first
   * element, which no address can say. 0 where memory has addresses.
   *
   * @throws UnsupportedTypeException when one number cannot say it
   */
  long offset() {
    long offset = 0;
    for (Memory buffer : buffers) {
      if (buffer != null && !buffer.device().type().isAddressable() && buffer.offset() != 0) {
        int width = buffer.dtype().itemSize();
        boolean alone = buffers.size() == 2 && buffers.get(0) == null;
        if (!alone || buffer.offset() % width != 0) {
          throw new UnsupportedTypeException(
              "Cannot export memory on "
                  + buffer.device()
                  + " that begins "
                  + buffer.offset()
                  + " bytes behind its handle: an Arrow array counts whole elements, the same in"
                  + " each of its buffers; copy it to memory of its own");
        }
        offset = buffer.offset() / width;
      }
    }
    return offset;
  }

  /** Drops all references, children's included. */
  @Override
  public void close() {
    owners().forEach(Owner::release);
    Closing.all(children);
    if (dictionary != null) {
      dictionary.close();
    }
  }
}
