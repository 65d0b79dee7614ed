package io.arrowtensor.flink.file;

import io.arrowtensor.BatchSchema;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.Options;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.arrow.Vectors;
import io.arrowtensor.internal.BatchMemory;
import io.arrowtensor.internal.Closing;
import java.io.Closeable;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.arrow.flatbuf.RecordBatch;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.ipc.message.ArrowBlock;
import org.apache.arrow.vector.types.pojo.Field;

/**
 * Record batches of one file as batches of chosen columns, dictionaries looked up. Its creator
 * closes it; the batches outlive it. One thread.
 */
final class IpcBatches implements Closeable {
  private final IpcFile file;
  private final int[] columns;
  private final IpcVectors vectors;
  private final IpcDictionaries dictionaries;
  private final BatchMemory memory;
  private final Options options;

  private IpcBatches(
      IpcFile file, int[] columns, IpcDictionaries dictionaries, BatchMemory memory) {
    this.file = file;
    this.columns = columns;
    this.dictionaries = dictionaries;
    this.memory = memory;
    this.options = IpcFields.AS_STORED.withAllocator(memory.allocator());
    List<Field> stored = file.schema().getFields().stream().map(IpcFields::stored).toList();
    this.vectors = new IpcVectors(file.input(), stored, memory.allocator());
  }

  /**
   * Opens the columns of {@code schema}.
   *
   * @param file passes to the result
   * @param memory where batches go; stays the caller's
   * @throws io.arrowtensor.InterchangeException naming the file and the column that does not fit
   */
  static IpcBatches open(IpcFile file, FileSchema schema, BatchMemory memory) throws IOException {
    try {
      List<String> names =
          schema.columns().columns().stream().map(BatchSchema.Column::name).toList();
      int[] columns = IpcFields.find(file, names);
      schema.require(IpcFields.schema(file, columns));
      return new IpcBatches(
          file, columns, IpcDictionaries.read(file, columns, memory.allocator()), memory);
    } catch (RuntimeException e) {
      throw file.input().failed(e);
    } catch (OutOfMemoryError | StackOverflowError | LinkageError e) {
      throw FileFailure.of(file.input().path(), e);
    }
  }

  /**
   * Reads one batch, which belongs to nobody: it is freed when its reader closes it, or when it has
   * become unreachable.
   *
   * @throws io.arrowtensor.InterchangeException naming the file; nothing is held then
   */
  OwnedBatch read(ArrowBlock block) throws IOException {
    try {
      IpcMessage message = IpcMessage.read(file.input(), block);
      RecordBatch batch = message.recordBatch(file.input());
      List<FieldVector> loaded = vectors.load(message, batch, columns);
      try {
        return memory.own(batch(batch.length(), loaded));
      } finally {
        Closing.all(loaded);
      }
    } catch (RuntimeException e) {
      throw file.input().failed(e);
    } catch (OutOfMemoryError | StackOverflowError | LinkageError e) {
      throw FileFailure.of(file.input().path(), e);
    }
  }

  private OwnedBatch batch(long rows, List<FieldVector> loaded) {
    List<DeviceColumn> made = new ArrayList<>();
    try {
      for (int i = 0; i < columns.length; i++) {
        made.add(column(file.schema().getFields().get(columns[i]), loaded.get(i)));
      }
    } catch (RuntimeException | Error e) {
      Closing.quietly(e, made);
      throw e;
    }
    return OwnedBatch.of(rows, made);
  }

  private DeviceColumn column(Field field, FieldVector vector) {
    DeviceColumn stored = DeviceColumn.from(Vectors.view(vector), options);
    if (field.getDictionary() == null) {
      return stored;
    }
    DeviceColumn decoded;
    try (stored) {
      decoded = dictionaries.decode(field, stored);
    }
    if (!field.isNullable() && decoded.validity() != null) {
      decoded.close();
      throw file.input()
          .invalid(
              "column '" + field.getName() + "' is not nullable but names words that are null");
    }
    return decoded;
  }

  @Override
  public void close() throws IOException {
    try (file) {
      dictionaries.close();
    }
  }
}
