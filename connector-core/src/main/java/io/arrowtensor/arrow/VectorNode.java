package io.arrowtensor.arrow;

import io.arrowtensor.UnsupportedTypeException;
import io.arrowtensor.internal.ArrowOwner;
import io.arrowtensor.internal.Owner;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.ReferenceManager;
import org.apache.arrow.vector.BaseFixedWidthVector;
import org.apache.arrow.vector.BaseVariableWidthVector;
import org.apache.arrow.vector.ExtensionTypeVector;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.complex.BaseRepeatedValueVector;
import org.apache.arrow.vector.complex.FixedSizeListVector;
import org.apache.arrow.vector.complex.StructVector;
import org.apache.arrow.vector.dictionary.Dictionary;
import org.apache.arrow.vector.dictionary.DictionaryProvider;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.Field;
import org.jspecify.annotations.Nullable;

/** An Arrow vector as a node. Reads addresses and counts; changes nothing in the vector. */
final class VectorNode extends ArrowNode {
  private final FieldVector vector;
  private final FieldVector storage;
  private final @Nullable DictionaryProvider dictionaries;

  VectorNode(FieldVector vector, @Nullable DictionaryProvider dictionaries) {
    this.vector = vector;
    this.storage =
        vector instanceof ExtensionTypeVector<?> extension
            ? (FieldVector) extension.getUnderlyingVector()
            : vector;
    this.dictionaries = dictionaries;
  }

  @Override
  Field field() {
    return vector.getField();
  }

  @Override
  ArrowType storageType() {
    return storage.getField().getType();
  }

  @Override
  long length() {
    return vector.getValueCount();
  }

  @Override
  long offset() {
    return 0;
  }

  /** Never counted here: the vector would count its whole bitmap. */
  @Override
  long nullCount() {
    return storage.getField().isNullable() ? -1 : 0;
  }

  @Override
  long buffer(int i) {
    ArrowBuf buffer = arrowBuffer(i);
    return buffer.capacity() == 0 ? 0 : buffer.memoryAddress();
  }

  @Override
  @Nullable Owner retain(int i) {
    return ArrowOwner.retain(arrowBuffer(i));
  }

  /**
   * Arrow counts references for each allocator on its own, and views hold theirs in the root: both
   * counts are asked. A vector's own two buffers may be slices of one.
   */
  @Override
  boolean isExclusive(int i) {
    ArrowBuf buffer = arrowBuffer(i);
    ReferenceManager references = buffer.getReferenceManager();
    boolean sliced = i != 0 && arrowBuffer(0).getReferenceManager() == references;
    if (references == ReferenceManager.NO_OP || buffer.refCnt() != (sliced ? 2 : 1)) {
      return false;
    }
    BufferAllocator root = references.getAllocator().getRoot();
    if (root == references.getAllocator()) {
      return true;
    }
    try (ArrowBuf inRoot = references.retain(buffer, root)) {
      return inRoot.refCnt() == 1;
    }
  }

  private ArrowBuf arrowBuffer(int i) {
    if (i == 0) {
      return storage.getValidityBuffer();
    }
    if (storage instanceof BaseVariableWidthVector || storage instanceof BaseRepeatedValueVector) {
      return i == 1 ? storage.getOffsetBuffer() : storage.getDataBuffer();
    }
    if (storage instanceof BaseFixedWidthVector) {
      return storage.getDataBuffer();
    }
    return otherBuffer(i);
  }

  /** The 64-bit-offset vectors have no base class in common with the others. */
  private ArrowBuf otherBuffer(int i) {
    return i == 1 && hasOffsets() ? storage.getOffsetBuffer() : storage.getDataBuffer();
  }

  private boolean hasOffsets() {
    ArrowType type = storageType();
    return type instanceof ArrowType.LargeUtf8
        || type instanceof ArrowType.LargeBinary
        || type instanceof ArrowType.LargeList;
  }

  @Override
  ArrowNode child(int i) {
    if (storage instanceof FixedSizeListVector list) {
      return new VectorNode(list.getDataVector(), dictionaries);
    }
    if (storage instanceof BaseRepeatedValueVector list) {
      return new VectorNode(list.getDataVector(), dictionaries);
    }
    if (storage instanceof StructVector struct) {
      return new VectorNode((FieldVector) struct.getChildByOrdinal(i), dictionaries);
    }
    return new VectorNode(storage.getChildrenFromFields().get(i), dictionaries);
  }

  @Override
  @Nullable ArrowNode dictionary() {
    if (field().getDictionary() == null) {
      return null;
    }
    Dictionary dictionary =
        dictionaries == null ? null : dictionaries.lookup(field().getDictionary().getId());
    if (dictionary == null) {
      throw new UnsupportedTypeException(
          "Cannot read "
              + label()
              + ": no dictionary with id "
              + field().getDictionary().getId()
              + " was given; pass the DictionaryProvider to Vectors.view");
    }
    return new VectorNode(dictionary.getVector(), dictionaries);
  }
}
