package io.arrowtensor.flink.file;

import io.arrowtensor.DeviceColumn;
import io.arrowtensor.Options;
import io.arrowtensor.arrow.Vectors;
import io.arrowtensor.internal.Closing;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.arrow.flatbuf.DictionaryBatch;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.ipc.message.ArrowBlock;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.util.VectorBatchAppender;

/**
 * The dictionaries of the columns that are read. In the file format a dictionary comes whole, or in
 * parts to be put together (deltas); none is replaced.
 */
final class IpcDictionaries implements AutoCloseable {
  private final FileInput input;
  private final Map<Long, FieldVector> vectors = new HashMap<>();
  private final Map<Long, Lookup> lookups = new HashMap<>();
  private final List<DeviceColumn> words = new ArrayList<>();

  private IpcDictionaries(FileInput input) {
    this.input = input;
  }

  /** Reads the dictionaries of {@code columns}; the caller closes them. */
  static IpcDictionaries read(IpcFile file, int[] columns, BufferAllocator allocator)
      throws IOException {
    Map<Long, Field> wanted = new HashMap<>();
    for (int column : columns) {
      Field field = file.schema().getFields().get(column);
      if (field.getDictionary() != null) {
        want(file.input(), wanted, field);
      }
    }
    IpcDictionaries dictionaries = new IpcDictionaries(file.input());
    try {
      if (!wanted.isEmpty()) {
        dictionaries.read(file.dictionaryBlocks(), wanted, allocator);
      }
      for (long id : wanted.keySet()) {
        dictionaries.open(id, IpcFields.AS_STORED.withAllocator(allocator));
      }
      return dictionaries;
    } catch (IOException | RuntimeException | Error e) {
      Closing.quietly(e, List.of(dictionaries));
      throw e;
    }
  }

  /** Columns may share a dictionary when they say the same of its values. */
  private static void want(FileInput input, Map<Long, Field> wanted, Field column) {
    long id = column.getDictionary().getId();
    Field values = IpcFields.words(column);
    Field before = wanted.putIfAbsent(id, values);
    if (before != null
        && !(before.getType().equals(values.getType())
            && before.getChildren().equals(values.getChildren()))) {
      throw input.invalid(
          "columns '"
              + before.getName()
              + "' and '"
              + values.getName()
              + "' share dictionary "
              + id
              + ", but one has "
              + before.getType()
              + ", the other "
              + values.getType());
    }
  }

  private void read(List<ArrowBlock> blocks, Map<Long, Field> wanted, BufferAllocator allocator)
      throws IOException {
    for (ArrowBlock block : blocks) {
      IpcMessage message = IpcMessage.read(input, block);
      DictionaryBatch batch = message.dictionary(input);
      Field field = wanted.get(batch.id());
      if (field != null) {
        add(message, batch, new IpcVectors(input, List.of(field), allocator));
      }
    }
  }

  private void add(IpcMessage message, DictionaryBatch batch, IpcVectors reader)
      throws IOException {
    if (batch.data() == null) {
      throw input.invalid("its dictionary " + batch.id() + " has no values");
    }
    FieldVector values = reader.load(message, batch.data(), 0).get(0);
    FieldVector known = vectors.get(batch.id());
    if (known == null) {
      vectors.put(batch.id(), values);
      return;
    }
    try (values) {
      if (!batch.isDelta()) {
        throw input.invalid("its dictionary " + batch.id() + " is there twice");
      }
      VectorBatchAppender.batchAppend(known, values);
    }
  }

  /** A file without batches needs no dictionaries, and has none. */
  private void open(long id, Options options) {
    FieldVector vector = vectors.get(id);
    if (vector != null) {
      DeviceColumn values = DeviceColumn.from(Vectors.view(vector), options);
      words.add(values);
      lookups.put(id, new Lookup(values, options));
    }
  }

  /** Looks up {@code indices}, which stay open, of {@code field}; the caller closes the column. */
  DeviceColumn decode(Field field, DeviceColumn indices) {
    long id = field.getDictionary().getId();
    Lookup lookup = lookups.get(id);
    if (lookup == null) {
      throw input.invalid("dictionary " + id + " of column '" + field.getName() + "' is missing");
    }
    return lookup.decode(indices);
  }

  @Override
  public void close() {
    Closing.all(words);
    Closing.all(vectors.values());
    words.clear();
    vectors.clear();
  }
}
