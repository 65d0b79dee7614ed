package io.arrowtensor.arrow;

import io.arrowtensor.ColumnKind;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.internal.BulkCopy;
import io.arrowtensor.internal.Closing;
import java.util.ArrayList;
import java.util.List;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.dictionary.Dictionary;
import org.apache.arrow.vector.dictionary.DictionaryProvider;
import org.apache.arrow.vector.dictionary.DictionaryProvider.MapDictionaryProvider;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.DictionaryEncoding;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.FieldType;
import org.jspecify.annotations.Nullable;

/** Whole roots as batches, and back. */
final class RootBatches {
  private RootBatches() {}

  static OwnedBatch view(
      VectorSchemaRoot root, @Nullable DictionaryProvider dictionaries, Options options) {
    List<DeviceColumn> columns = new ArrayList<>();
    try {
      for (FieldVector vector : root.getFieldVectors()) {
        columns.add(NodeColumns.open(new VectorNode(vector, dictionaries), options));
      }
    } catch (RuntimeException | Error e) {
      Closing.quietly(e, columns);
      throw e;
    }
    return OwnedBatch.of(root.getRowCount(), columns);
  }

  static VectorSchemaRoot toRoot(
      DeviceBatch batch,
      @Nullable MapDictionaryProvider dictionaries,
      BufferAllocator allocator,
      Options options) {
    List<FieldVector> vectors = new ArrayList<>();
    try {
      for (DeviceColumn column : batch.columns()) {
        vectors.add(vector(column, dictionaries, allocator, options));
      }
      return new VectorSchemaRoot(
          vectors.stream().map(FieldVector::getField).toList(),
          vectors,
          Math.toIntExact(batch.rowCount()));
    } catch (RuntimeException | Error e) {
      Closing.quietly(e, vectors);
      throw e;
    }
  }

  private static FieldVector vector(
      DeviceColumn column,
      @Nullable MapDictionaryProvider dictionaries,
      BufferAllocator allocator,
      Options options) {
    DeviceColumn words = column.dictionary();
    if (column.kind() != ColumnKind.ARRAY || (words != null && dictionaries == null)) {
      return ListVectors.of(column, allocator, options);
    }
    Field field = TensorFields.nested(column.name(), column.values());
    if (words != null && dictionaries != null) {
      field = indices(field, words, dictionaries, allocator, options);
    }
    ArrowBuf validity = bitmap(column, allocator);
    return new VectorWriter(field, allocator, options).write(column.values(), validity);
  }

  /** The field of indices into {@code words}, which {@code dictionaries} gets as a vector. */
  private static Field indices(
      Field field,
      DeviceColumn words,
      MapDictionaryProvider dictionaries,
      BufferAllocator allocator,
      Options options) {
    long id = dictionaries.getDictionaryIds().size();
    DictionaryEncoding encoding =
        new DictionaryEncoding(id, false, (ArrowType.Int) field.getType());
    dictionaries.put(new Dictionary(vector(words, null, allocator, options), encoding));
    return new Field(field.getName(), new FieldType(true, field.getType(), encoding), List.of());
  }

  /** The validity mask as a bitmap, null when no row is null. The caller closes it. */
  static @Nullable ArrowBuf bitmap(DeviceColumn column, BufferAllocator allocator) {
    DeviceArray mask = NodeNulls.hostMask(column);
    if (mask == null) {
      return null;
    }
    Memory flags = mask.open(Options.defaults()); // stays while it is read, whoever closes the mask
    try {
      ArrowBuf bitmap = allocator.buffer(Math.max(1, (mask.size() + 7) / 8));
      BulkCopy.packBits(flags.start(), mask.size(), bitmap.memoryAddress());
      return bitmap;
    } finally {
      flags.release();
    }
  }
}
