package io.arrowtensor.arrow;

import io.arrowtensor.ArraySource;
import io.arrowtensor.ColumnKind;
import io.arrowtensor.CopyReason;
import io.arrowtensor.DType;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.DeviceMismatchException;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;
import io.arrowtensor.internal.BulkCopy;
import io.arrowtensor.internal.Closing;
import io.arrowtensor.internal.Owner;
import io.arrowtensor.internal.Shapes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One array on its way into C structs. It holds the references that its struct will hold.
 *
 * @param format the C Data format string
 * @param name the field's name
 * @param metadata the field's metadata
 * @param length rows
 * @param buffers what each buffer holds, validity first; null for an absent one
 * @param children child arrays
 * @param dictionary the dictionary, null when the values are no indices
 */
record ExportNode(
    String format,
    String name,
    Map<String, String> metadata,
    long length,
    List<@Nullable Memory> buffers,
    List<ExportNode> children,
    @Nullable ExportNode dictionary)
    implements AutoCloseable {

  static ExportNode of(String name, ArraySource source, Options options) {
    return of(name, hostMemory(source, options), (Memory) null);
  }

  private static Memory hostMemory(ArraySource source, Options options) {
    Memory memory = Memory.forExportContiguous(source, options);
    try {
      memory.device().requireHostAccessible("export as C Data, which is for the host,");
      return memory;
    } catch (DeviceMismatchException e) {
      memory.release();
      throw e;
    }
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
    String format = Formats.of(ElementTypes.arrowType(memory.dtype()));
    long elements = Shapes.size(shape);
    boolean flat = shape.length < 2;
    ExportNode node =
        new ExportNode(
            format,
            flat ? name : "item",
            ElementTypes.metadata(memory.dtype()),
            elements,
            Arrays.asList(flat ? validity : null, memory),
            List.of(),
            null);
    for (int d = shape.length - 1; d >= 1; d--) {
      long rows = Shapes.size(Arrays.copyOf(shape, d));
      List<@Nullable Memory> buffers = Arrays.asList(d == 1 ? validity : null);
      node =
          new ExportNode(
              "+w:" + TensorFields.listSize(shape, d, d + 1),
              d == 1 ? name : "item",
              Map.of(),
              rows,
              buffers,
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
      values = hostMemory(column.values(), options);
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
      return new ExportNode(
          node.format,
          node.name,
          node.metadata,
          node.length,
          node.buffers,
          node.children,
          of(dictionary.withName(""), options));
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
      Memory starts = hostMemory(offsets, options);
      held.add(starts::release);
      if (column.kind() == ColumnKind.LIST) {
        ExportNode child = nested("item", values, null);
        return new ExportNode(
            large ? "+L" : "+l",
            column.name(),
            Map.of(),
            column.rowCount(),
            Arrays.asList(validity, starts),
            List.of(child),
            null);
      }
      String format = column.kind() == ColumnKind.STRING ? "u" : "z";
      return new ExportNode(
          large ? format.toUpperCase(java.util.Locale.ROOT) : format,
          column.name(),
          Map.of(),
          column.rowCount(),
          Arrays.asList(validity, starts, values),
          List.of(),
          null);
    } catch (RuntimeException | Error e) {
      Closing.quietly(e, held);
      throw e;
    }
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
    return new ExportNode(
        "+s", "", Map.of(), batch.rowCount(), Arrays.asList((Memory) null), children, null);
  }

  private static @Nullable Memory bitmap(DeviceColumn column, Options options) {
    DeviceArray mask = NodeNulls.hostMask(column);
    if (mask == null) {
      return null;
    }
    Memory bitmap =
        BulkCopy.allocateLike(
            Memory.borrow(0, DType.UINT8, (mask.size() + 7) / 8), options, CopyReason.VALIDITY);
    BulkCopy.packBits(mask.address(), mask.size(), bitmap.address());
    return bitmap;
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
