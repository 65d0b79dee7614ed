package io.arrowtensor.flink;

import io.arrowtensor.DeviceBatch;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.MemoryLimitException;
import io.arrowtensor.Nulls;
import io.arrowtensor.Options;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.Storage;
import io.arrowtensor.arrow.Vectors;
import io.arrowtensor.internal.BatchMemory;
import io.arrowtensor.internal.Closing;
import java.io.EOFException;
import java.io.IOException;
import java.util.List;
import org.apache.arrow.memory.OutOfMemoryException;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.dictionary.DictionaryProvider.MapDictionaryProvider;
import org.apache.arrow.vector.ipc.ArrowStreamReader;
import org.apache.arrow.vector.ipc.ArrowStreamWriter;
import org.apache.arrow.vector.ipc.WriteChannel;
import org.apache.arrow.vector.ipc.message.IpcOption;
import org.apache.arrow.vector.ipc.message.MessageMetadataResult;
import org.apache.arrow.vector.ipc.message.MessageSerializer;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/** Batches as Arrow IPC streams of one batch each, between memory and Flink's byte streams. */
final class BatchStreams {
  /** Bitmaps and what else a batch is written from for a moment; nothing waits for it. */
  private static final BatchMemory WRITING =
      BatchMemory.open("batches being written", Long.MAX_VALUE, java.time.Duration.ZERO);

  private static final Options AS_WRITTEN =
      Options.defaults().withNulls(Nulls.MASK).withStorage(Storage.AS_BYTES);

  private BatchStreams() {}

  /** Writes {@code batch}, which stays open. */
  static void write(OwnedBatch batch, DataOutputView target) throws IOException {
    requireOpen(batch);
    MapDictionaryProvider dictionaries = new MapDictionaryProvider();
    try (VectorSchemaRoot root =
            Vectors.toRoot(batch, dictionaries, WRITING.allocator(), Options.defaults());
        ArrowStreamWriter writer =
            new ArrowStreamWriter(root, dictionaries, new ViewChannels.Out(target))) {
      writer.start();
      writer.writeBatch();
      writer.end();
    } finally {
      List<AutoCloseable> vectors =
          dictionaries.getDictionaryIds().stream()
              .<AutoCloseable>map(id -> dictionaries.lookup(id).getVector())
              .toList();
      Closing.all(vectors);
    }
  }

  private static void requireOpen(OwnedBatch batch) {
    if (batch.columns().stream().anyMatch(column -> column.values().isClosed())) {
      throw new InterchangeException(
          "Cannot write a batch that was closed: batches in state, and those that several operators"
              + " get, are left to the collector; close only what one function alone has");
    }
  }

  /**
   * Reads what {@link #write} wrote, into {@code memory}.
   *
   * @throws IOException for bytes that are no batch; nothing is held then
   */
  static OwnedBatch read(DataInputView source, BatchMemory memory) throws IOException {
    try {
      return load(source, memory);
    } catch (MemoryLimitException e) {
      throw e;
    } catch (OutOfMemoryException e) {
      throw new IOException(
          "Cannot read a batch: there is no memory for what its bytes claim: "
              + e.getMessage()
              + "; raise BatchTypeInfo.withMemory(...), or, where no batch is that large, restore"
              + " from another checkpoint",
          e);
    } catch (IOException e) {
      throw named(e);
    } catch (RuntimeException e) {
      throw damaged(e);
    }
  }

  /** {@code e}, with what was read; an end that comes too early is what Flink knows it as. */
  private static IOException named(IOException e) {
    String what = "Cannot read a batch: ";
    String message = e.getMessage() == null ? e.toString() : e.getMessage();
    return e instanceof EOFException || message.startsWith(what)
        ? e
        : new IOException(what + message, e);
  }

  private static IOException damaged(RuntimeException e) {
    return new IOException(
        "Cannot read a batch: its bytes are damaged, or none of a batch: "
            + (e.getMessage() == null ? e : e.getMessage())
            + "; restore from another checkpoint",
        e);
  }

  private static OwnedBatch load(DataInputView source, BatchMemory memory) throws IOException {
    Options options = AS_WRITTEN.withAllocator(memory.allocator());
    try (ArrowStreamReader reader = new BatchReader(source, memory.allocator())) {
      if (!reader.loadNextBatch()) {
        throw new IOException("Cannot read a batch: its Arrow IPC stream holds none");
      }
      OwnedBatch batch =
          memory.own(DeviceBatch.from(Vectors.view(reader.getVectorSchemaRoot(), reader), options));
      requireEnd(reader, batch);
      return batch;
    }
  }

  private static void requireEnd(ArrowStreamReader reader, OwnedBatch batch) throws IOException {
    try {
      if (reader.loadNextBatch()) {
        throw new IOException("Cannot read a batch: its Arrow IPC stream holds several");
      }
    } catch (IOException | RuntimeException | Error e) {
      Closing.quietly(e, List.of(batch));
      throw e;
    }
  }

  /** Copies the bytes of what {@link #write} wrote. */
  static void copy(DataInputView source, DataOutputView target) throws IOException {
    try {
      copyMessages(source, target);
    } catch (RuntimeException e) {
      throw damaged(e);
    }
  }

  private static void copyMessages(DataInputView source, DataOutputView target) throws IOException {
    ViewChannels.Out bytes = new ViewChannels.Out(target);
    WriteChannel out = new WriteChannel(bytes);
    MessageMetadataResult message = BatchMessages.read(source);
    while (message != null) {
      MessageSerializer.writeMessageBuffer(
          out, message.getMessageLength(), message.getMessageBuffer());
      bytes.copy(source, message.getMessageBodyLength());
      message = BatchMessages.read(source);
    }
    ArrowStreamWriter.writeEndOfStream(out, IpcOption.DEFAULT);
  }
}
