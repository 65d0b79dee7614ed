package io.arrowtensor.arrow;

import io.arrowtensor.DType;
import io.arrowtensor.Device;
import io.arrowtensor.DeviceMismatchException;
import io.arrowtensor.InvalidStructException;
import io.arrowtensor.Memory;
import io.arrowtensor.internal.Owner;
import io.arrowtensor.internal.Shapes;
import java.util.List;
import java.util.Map;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.Field;
import org.jspecify.annotations.Nullable;

/**
 * One Arrow array in the layout of the C Data Interface: addresses, counts, children. The
 * converters' internal form; read from vectors and from C structs alike.
 */
abstract class ArrowNode {
  static final String EXTENSION_NAME = "ARROW:extension:name";
  static final String EXTENSION_METADATA = "ARROW:extension:metadata";

  /** Name, nullability, metadata and child fields. */
  abstract Field field();

  /** The type in which the memory is laid out; of an extension its storage. */
  abstract ArrowType storageType();

  /** Number of rows. */
  abstract long length();

  /** Rows before the first one, in every buffer. */
  abstract long offset();

  /** Number of nulls, -1 when it is not known. */
  abstract long nullCount();

  /** Address of buffer {@code i}, 0 when it is absent. */
  abstract long buffer(int i);

  /** Where all buffers are. What the host cannot reach is never read here. */
  Place place() {
    return Place.HOST;
  }

  final Device device() {
    return place().device();
  }

  /** Whether the host can read the buffers. */
  final boolean isOnHost() {
    return device().type().isHostAccessible();
  }

  /** Refuses to read buffers that the host cannot reach; {@code verb} says what for. */
  final void requireHost(String verb) {
    if (!isOnHost()) {
      throw new DeviceMismatchException(
          "Cannot "
              + verb
              + " "
              + label()
              + " on "
              + device()
              + ": the host cannot reach it; transfer it to the host with the library that made"
              + " it");
    }
  }

  /**
   * One more reference to what keeps buffer {@code i} alive, null when its creator guarantees that.
   */
  abstract @Nullable Owner retain(int i);

  /** Whether nobody else holds buffer {@code i}, so that it may be written through a view. */
  abstract boolean isExclusive(int i);

  /** Child {@code i}. */
  abstract ArrowNode child(int i);

  /** The dictionary that the values index, null when they are no indices. */
  abstract @Nullable ArrowNode dictionary();

  /** Whether values are indices into a dictionary. */
  boolean isDictionaryEncoded() {
    return field().getDictionary() != null;
  }

  /**
   * Name of the extension type, null for plain types. From the field's metadata or type, never from
   * the global registry.
   */
  final @Nullable String extensionName() {
    if (field().getType() instanceof ArrowType.ExtensionType extension) {
      return extension.extensionName();
    }
    Map<String, String> metadata = field().getMetadata();
    return metadata.isEmpty() ? null : metadata.get(EXTENSION_NAME);
  }

  /** The extension's serialized metadata, empty when there is none. */
  final String extensionMetadata() {
    if (field().getType() instanceof ArrowType.ExtensionType extension) {
      return extension.serialize();
    }
    return field().getMetadata().getOrDefault(EXTENSION_METADATA, "");
  }

  /** Address of the value at {@code index} in buffer {@code i}, its values {@code width} bytes. */
  final long address(int i, long index, int width) {
    try {
      return Math.addExact(buffer(i), Math.multiplyExact(index, (long) width));
    } catch (ArithmeticException e) {
      throw new InvalidStructException(
          "Invalid offset of " + label() + ": value " + index + " lies beyond 64-bit addresses");
    }
  }

  /**
   * The memory of buffer {@code i} from the value at {@code index} on, without owner: behind an
   * opaque handle with a byte offset.
   */
  final Memory memory(int i, long index, DType dtype, long... shape) {
    return memory(i, index, dtype, shape, Shapes.rowMajor(shape), List.of(), true, false);
  }

  /**
   * The same in one step, as this is done for every array.
   *
   * @param held whether with a reference to the buffer, which the caller releases
   */
  final Memory memory(
      int i,
      long index,
      DType dtype,
      long[] shape,
      long[] strides,
      List<String> dimNames,
      boolean readOnly,
      boolean held) {
    long address = address(i, index, dtype.itemSize());
    Place place = place();
    boolean addressable = place.device().type().isAddressable();
    return new Memory(
        addressable ? address : buffer(i),
        dtype,
        shape,
        strides,
        addressable ? 0 : address - buffer(i),
        place.device(),
        dimNames,
        readOnly,
        held ? retain(i) : null,
        null,
        null,
        place.ready());
  }

  /** The column as errors name it. */
  final String label() {
    return field().getName() == null || field().getName().isEmpty()
        ? "the array"
        : "column '" + field().getName() + "'";
  }
}
