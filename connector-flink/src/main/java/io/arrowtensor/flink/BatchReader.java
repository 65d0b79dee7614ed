package io.arrowtensor.flink;

import io.arrowtensor.internal.IpcChecks;
import java.io.IOException;
import java.util.Iterator;
import java.util.List;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.BufferLayout;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.TypeLayout;
import org.apache.arrow.vector.dictionary.Dictionary;
import org.apache.arrow.vector.ipc.ArrowStreamReader;
import org.apache.arrow.vector.ipc.message.ArrowDictionaryBatch;
import org.apache.arrow.vector.ipc.message.ArrowFieldNode;
import org.apache.arrow.vector.ipc.message.ArrowRecordBatch;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.flink.core.memory.DataInputView;

/**
 * Reads a stream whose bytes may have been damaged: no access within a vector that it gives leaves
 * the memory that was read. Throws {@link RuntimeException}s too. One thread.
 */
final class BatchReader extends ArrowStreamReader {
  private final BatchMessages messages;

  BatchReader(DataInputView source, BufferAllocator allocator) {
    this(new BatchMessages(source, allocator), allocator);
  }

  private BatchReader(BatchMessages messages, BufferAllocator allocator) {
    super(messages, allocator);
    this.messages = messages;
  }

  @Override
  public boolean loadNextBatch() throws IOException {
    try {
      return super.loadNextBatch();
    } catch (IOException | RuntimeException e) {
      close(false); // what the vectors have of the body
      messages.freeBody();
      throw e;
    }
  }

  @Override
  protected void loadRecordBatch(ArrowRecordBatch batch) {
    try {
      Iterable<FieldVector> vectors = getVectorSchemaRoot().getFieldVectors();
      requireSizes(vectors, batch);
      super.loadRecordBatch(batch); // closes it
      vectors.forEach(IpcChecks::require);
    } catch (IOException e) {
      throw new IllegalStateException("the schema was read before", e);
    } finally {
      batch.close(); // again, which does nothing
    }
  }

  @Override
  protected void loadDictionary(ArrowDictionaryBatch batch) {
    try (batch) {
      Dictionary dictionary = dictionaries.get(batch.getDictionaryId());
      if (dictionary == null) {
        throw new IllegalArgumentException("no column has dictionary " + batch.getDictionaryId());
      }
      requireSizes(List.of(dictionary.getVector()), batch.getDictionary());
      super.loadDictionary(batch);
      IpcChecks.require(dictionary.getVector());
    }
  }

  /** Arrow's loader believes these before anybody can check what it has loaded. */
  private static void requireSizes(Iterable<FieldVector> vectors, ArrowRecordBatch batch) {
    Iterator<ArrowFieldNode> nodes = batch.getNodes().iterator();
    Iterator<ArrowBuf> buffers = batch.getBuffers().iterator();
    for (FieldVector vector : vectors) {
      long rows = requireSizes(vector.getField(), nodes, buffers);
      if (rows != batch.getLength()) {
        throw new IllegalArgumentException(
            "column '" + vector.getName() + "' has " + rows + " of " + batch.getLength() + " rows");
      }
    }
  }

  private static long requireSizes(
      Field field, Iterator<ArrowFieldNode> nodes, Iterator<ArrowBuf> buffers) {
    long rows = nodes.next().getLength();
    if (rows < 0 || rows >= Integer.MAX_VALUE) {
      throw new IllegalArgumentException("column '" + field.getName() + "' has " + rows + " rows");
    }
    for (BufferLayout layout : TypeLayout.getTypeLayout(field.getType()).getBufferLayouts()) {
      long bytes = buffers.next().capacity();
      long least = leastBytes(layout, rows);
      boolean isAbsent = layout.getType() == BufferLayout.BufferType.VALIDITY && bytes == 0;
      if (bytes < least && !isAbsent) {
        throw new IllegalArgumentException(
            "column '"
                + field.getName()
                + "' has "
                + rows
                + " rows, whose "
                + layout.getType()
                + " takes "
                + least
                + " bytes, not "
                + bytes);
      }
    }
    field.getChildren().forEach(child -> requireSizes(child, nodes, buffers));
    return rows;
  }

  private static long leastBytes(BufferLayout layout, long rows) {
    boolean isOffset = layout.getType() == BufferLayout.BufferType.OFFSET;
    long items = isOffset && rows > 0 ? rows + 1 : rows;
    boolean isBytes = layout.equals(BufferLayout.byteVector()); // as long as the offsets say
    return isBytes && !isOffset ? 0 : (items * layout.getTypeBitWidth() + 7) / 8;
  }
}
