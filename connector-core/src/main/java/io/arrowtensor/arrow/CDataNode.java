package io.arrowtensor.arrow;

import io.arrowtensor.InvalidStructException;
import io.arrowtensor.internal.Abi;
import io.arrowtensor.internal.Owner;
import io.arrowtensor.internal.RawMemory;
import java.util.ArrayList;
import java.util.List;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.Field;
import org.jspecify.annotations.Nullable;

/**
 * An {@code ArrowArray} struct as a node, read and checked once. All of its memory belongs to the
 * struct at the top.
 */
final class CDataNode extends ArrowNode {
  private final Field field;
  private final long length;
  private final long nullCount;
  private final long offset;
  private final long[] buffers;
  private final List<CDataNode> children = new ArrayList<>();
  private final @Nullable CDataNode dictionary;
  private final Owner struct;
  private final Place place;

  /**
   * Reads {@code array}, whose buffers are at {@code place}; it keeps its memory alive, and is not
   * retained here.
   */
  CDataNode(CSchema schema, TakenStruct array, Place place) {
    this(schema, array.address, array, place);
  }

  private CDataNode(CSchema schema, long array, Owner struct, Place place) {
    this.field = schema.field();
    this.struct = struct;
    this.place = place;
    this.length = RawMemory.longAt(array + Abi.Array.LENGTH);
    this.nullCount = RawMemory.longAt(array + Abi.Array.NULL_COUNT);
    this.offset = RawMemory.longAt(array + Abi.Array.OFFSET);
    require(
        length >= 0 && offset >= 0 && length <= Long.MAX_VALUE - offset,
        "length " + length + " at offset " + offset);
    require(
        nullCount >= -1 && nullCount <= length,
        "null_count " + nullCount + " of " + length + " rows");
    this.buffers = buffers(array, bufferCount(field.getType()));
    require(
        nullCount <= 0 || buffers.length == 0 || buffers[0] != 0,
        "null_count " + nullCount + " without a validity buffer");
    long count = RawMemory.longAt(array + Abi.Array.N_CHILDREN);
    require(
        count == schema.children().size(),
        "n_children " + count + ", its schema has " + schema.children().size());
    for (int i = 0; i < count; i++) {
      long child = SchemaReader.pointer(RawMemory.longAt(array + Abi.Array.CHILDREN), i, "child");
      children.add(new CDataNode(schema.children().get(i), child, struct, place));
    }
    long values = RawMemory.longAt(array + Abi.Array.DICTIONARY);
    CSchema valuesSchema = schema.dictionary();
    require(
        (values != 0) == (valuesSchema != null),
        "dictionary pointer 0x" + Long.toHexString(values) + ", which its schema contradicts");
    this.dictionary =
        valuesSchema == null ? null : new CDataNode(valuesSchema, values, struct, place);
  }

  private static int bufferCount(ArrowType type) {
    return switch (type.getTypeID()) {
      case Null -> 0;
      case Struct, FixedSizeList -> 1;
      case Utf8, Binary, LargeUtf8, LargeBinary -> 3;
      default -> 2;
    };
  }

  private long[] buffers(long array, int expected) {
    long count = RawMemory.longAt(array + Abi.Array.N_BUFFERS);
    require(count == expected, "n_buffers " + count + ", expected " + expected);
    long pointers = RawMemory.longAt(array + Abi.Array.BUFFERS);
    require(pointers != 0 || expected == 0, "null pointer to its " + expected + " buffers");
    long[] addresses = new long[expected];
    for (int i = 0; i < expected; i++) {
      addresses[i] = RawMemory.longAt(pointers + 8L * i);
    }
    require(
        expected < 2 || addresses[1] != 0 || length + offset == 0,
        "null buffer 1 for " + length + " rows");
    return addresses;
  }

  private void require(boolean holds, String what) {
    if (!holds) {
      throw new InvalidStructException("Invalid ArrowArray of " + label() + ": " + what);
    }
  }

  @Override
  Field field() {
    return field;
  }

  @Override
  ArrowType storageType() {
    return field.getType();
  }

  @Override
  long length() {
    return length;
  }

  @Override
  long offset() {
    return offset;
  }

  @Override
  long nullCount() {
    return nullCount;
  }

  @Override
  long buffer(int i) {
    return i < buffers.length ? buffers[i] : 0;
  }

  @Override
  Place place() {
    return place;
  }

  @Override
  Owner retain(int i) {
    return struct.retain();
  }

  /** Imported arrays are immutable. */
  @Override
  boolean isExclusive(int i) {
    return false;
  }

  @Override
  ArrowNode child(int i) {
    return children.get(i);
  }

  @Override
  @Nullable ArrowNode dictionary() {
    return dictionary;
  }

  @Override
  boolean isDictionaryEncoded() {
    return dictionary != null;
  }
}
