package io.arrowtensor.flink.file;

import io.arrowtensor.DeviceColumn;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.Options;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.UnsupportedTypeException;
import io.arrowtensor.arrow.Vectors;
import io.arrowtensor.internal.BatchMemory;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.VectorUnloader;
import org.apache.arrow.vector.ipc.WriteChannel;
import org.apache.arrow.vector.ipc.message.ArrowBlock;
import org.apache.arrow.vector.ipc.message.ArrowFooter;
import org.apache.arrow.vector.ipc.message.ArrowRecordBatch;
import org.apache.arrow.vector.ipc.message.IpcOption;
import org.apache.arrow.vector.ipc.message.MessageSerializer;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.FieldType;
import org.apache.arrow.vector.types.pojo.Schema;
import org.apache.flink.api.common.serialization.BulkWriter;
import org.apache.flink.core.fs.FSDataOutputStream;
import org.jspecify.annotations.Nullable;

/**
 * Writes one Arrow IPC file. Holds no native memory between two batches, as Flink drops a writer
 * whose job fails without a word. The stream stays Flink's. One thread.
 */
final class IpcWriter implements BulkWriter<OwnedBatch> {
  /** Bitmaps, for the time of one call; nothing waits for them. */
  private static final BatchMemory WRITING =
      BatchMemory.open("batches being written to files", Long.MAX_VALUE, Duration.ZERO);

  private static final byte[] MAGIC = {'A', 'R', 'R', 'O', 'W', '1'};

  private final FSDataOutputStream stream;
  private final WriteChannel out;
  private final List<ArrowBlock> batches = new ArrayList<>();
  private @Nullable Schema schema;

  IpcWriter(FSDataOutputStream stream) {
    this.stream = stream;
    this.out = new WriteChannel(new Channel(stream));
  }

  @Override
  public void addElement(OwnedBatch batch) throws IOException {
    batch.columns().forEach(IpcWriter::refuseDictionary);
    try (VectorSchemaRoot root = Vectors.toRoot(batch, WRITING.allocator(), Options.defaults());
        ArrowRecordBatch record = new VectorUnloader(root).getRecordBatch()) {
      start(nullable(root.getSchema()));
      batches.add(MessageSerializer.serialize(out, record));
    }
  }

  /** All batches of a file share a dictionary; those that are sent here have their own. */
  private static void refuseDictionary(DeviceColumn column) {
    if (column.dictionary() != null) {
      throw new UnsupportedTypeException(
          "Cannot write column '"
              + column.name()
              + "' to an Arrow file: it has a dictionary; emit what its indices stand for, or leave"
              + " it out");
    }
  }

  private static Schema nullable(Schema schema) {
    return new Schema(
        schema.getFields().stream()
            .map(
                field -> {
                  FieldType type = new FieldType(true, field.getType(), null, field.getMetadata());
                  return new Field(field.getName(), type, field.getChildren());
                })
            .toList());
  }

  private void start(Schema next) throws IOException {
    if (schema == null) {
      schema = next;
      out.write(MAGIC);
      out.align();
      MessageSerializer.serialize(out, next);
    } else if (!schema.equals(next)) {
      throw new InterchangeException(
          "Cannot write a batch with the columns "
              + next.getFields()
              + " to an Arrow file that has "
              + schema.getFields()
              + "; send batches of different columns to sinks of their own");
    }
  }

  @Override
  public void flush() throws IOException {
    stream.flush();
  }

  @Override
  public void finish() throws IOException {
    start(schema == null ? new Schema(List.of()) : schema);
    out.writeIntLittleEndian(MessageSerializer.IPC_CONTINUATION_TOKEN);
    out.writeIntLittleEndian(0);
    long start = out.getCurrentPosition();
    out.write(
        new ArrowFooter(schema, List.of(), batches, null, IpcOption.DEFAULT.metadataVersion),
        false);
    out.writeIntLittleEndian(Math.toIntExact(out.getCurrentPosition() - start));
    out.write(MAGIC);
    stream.flush();
  }

  /** Flink's stream as a channel. */
  private static final class Channel implements WritableByteChannel {
    private static final int CHUNK = 1 << 16;

    private final FSDataOutputStream stream;
    private byte[] chunk = {};

    Channel(FSDataOutputStream stream) {
      this.stream = stream;
    }

    @Override
    public int write(ByteBuffer bytes) throws IOException {
      int length = bytes.remaining();
      if (bytes.hasArray()) {
        stream.write(bytes.array(), bytes.arrayOffset() + bytes.position(), length);
        bytes.position(bytes.limit());
        return length;
      }
      chunk = chunk.length == 0 ? new byte[CHUNK] : chunk;
      while (bytes.hasRemaining()) {
        int part = Math.min(CHUNK, bytes.remaining());
        bytes.get(chunk, 0, part);
        stream.write(chunk, 0, part);
      }
      return length;
    }

    @Override
    public boolean isOpen() {
      return true;
    }

    @Override
    public void close() {}
  }
}
