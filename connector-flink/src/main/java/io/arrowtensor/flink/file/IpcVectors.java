package io.arrowtensor.flink.file;

import io.arrowtensor.InterchangeException;
import io.arrowtensor.UnsupportedTypeException;
import io.arrowtensor.internal.Closing;
import io.arrowtensor.internal.IpcChecks;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.apache.arrow.flatbuf.BodyCompressionMethod;
import org.apache.arrow.flatbuf.Buffer;
import org.apache.arrow.flatbuf.FieldNode;
import org.apache.arrow.flatbuf.RecordBatch;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.TypeLayout;
import org.apache.arrow.vector.compression.CompressionCodec;
import org.apache.arrow.vector.compression.CompressionUtil;
import org.apache.arrow.vector.ipc.message.ArrowFieldNode;
import org.apache.arrow.vector.types.pojo.Field;
import org.jspecify.annotations.Nullable;

/**
 * Loads some columns of record batches into vectors, which were checked against their buffers: no
 * access within a vector's length leaves the memory that was read. Reads those columns only.
 */
final class IpcVectors {
  private final FileInput input;
  private final BufferAllocator allocator;
  private final List<Field> fields;
  private final List<IpcLayout> layouts;

  /**
   * @param fields all columns of the batches, as they lie in memory: indices where there is a
   *     dictionary
   */
  IpcVectors(FileInput input, List<Field> fields, BufferAllocator allocator) {
    this.input = input;
    this.allocator = allocator;
    this.fields = fields;
    this.layouts = fields.stream().map(IpcLayout::of).toList();
  }

  /**
   * Loads {@code columns} of {@code batch}, the body of {@code message}; the caller closes them.
   */
  List<FieldVector> load(IpcMessage message, RecordBatch batch, int... columns) throws IOException {
    IpcLayout.Place[] places = IpcLayout.places(layouts, batch);
    IpcLayout.Place end = places[fields.size()];
    if (batch.nodesLength() != end.node() || batch.buffersLength() != end.buffer()) {
      throw input.invalid(
          "a batch has "
              + batch.nodesLength()
              + " nodes and "
              + batch.buffersLength()
              + " buffers, the schema "
              + end.node()
              + " and "
              + end.buffer());
    }
    List<IpcBody.Range> ranges = new ArrayList<>();
    List<ArrowFieldNode> nodes = new ArrayList<>();
    for (int column : columns) {
      for (int n = places[column].node(); n < places[column + 1].node(); n++) {
        nodes.add(node(batch.nodes(n)));
      }
      for (int b = places[column].buffer(); b < places[column + 1].buffer(); b++) {
        Buffer buffer = batch.buffers(b);
        ranges.add(new IpcBody.Range(buffer.offset(), buffer.length()));
      }
    }
    CompressionCodec codec = codec(batch);
    try (IpcBody body = IpcBody.read(input, message, ranges, allocator)) {
      return load(new Cursor(nodes.iterator(), body, codec, allocator), columns, batch.length());
    }
  }

  private ArrowFieldNode node(FieldNode node) {
    if (node.length() < 0 || node.length() >= Integer.MAX_VALUE) {
      throw input.invalid("a column claims " + node.length() + " rows");
    }
    long nulls = node.nullCount() < 0 || node.nullCount() > node.length() ? -1 : node.nullCount();
    return new ArrowFieldNode(node.length(), nulls);
  }

  private @Nullable CompressionCodec codec(RecordBatch batch) {
    if (batch.compression() == null) {
      return null;
    }
    if (batch.compression().method() != BodyCompressionMethod.BUFFER) {
      throw input.invalid("its compression method " + batch.compression().method() + " is unknown");
    }
    CompressionUtil.CodecType type =
        CompressionUtil.CodecType.fromCompressionType(batch.compression().codec());
    try {
      return CompressionCodec.Factory.INSTANCE.createCodec(type);
    } catch (IllegalArgumentException | UnsupportedOperationException e) {
      throw new UnsupportedTypeException(
          "Cannot read "
              + input.path()
              + ": it is compressed with "
              + type
              + ", which org.apache.arrow:arrow-compression reads; add it to the class path that"
              + " Arrow is on, or write the file without compression");
    }
  }

  private List<FieldVector> load(Cursor cursor, int[] columns, long rows) {
    List<FieldVector> vectors = new ArrayList<>();
    try {
      for (int column : columns) {
        FieldVector vector = fields.get(column).createVector(allocator);
        vectors.add(vector);
        cursor.load(vector);
        if (vector.getValueCount() != rows) {
          throw input.invalid(
              vector.getField().getName()
                  + " has "
                  + vector.getValueCount()
                  + " rows, its batch "
                  + rows);
        }
        IpcChecks.require(vector);
        requireDeclared(vector);
      }
      return vectors;
    } catch (RuntimeException | Error e) {
      Closing.quietly(e, vectors);
      throw e;
    }
  }

  /** Nulls of a column that has none would be read as values. */
  private void requireDeclared(FieldVector vector) {
    if (!vector.getField().isNullable() && vector.getNullCount() > 0) {
      throw input.invalid(
          "column '"
              + vector.getField().getName()
              + "' is not nullable but has "
              + vector.getNullCount()
              + " nulls");
    }
  }

  /** The next node and buffer to load, column by column. */
  private static final class Cursor {
    private final Iterator<ArrowFieldNode> nodes;
    private final IpcBody body;
    private final @Nullable CompressionCodec codec;
    private final BufferAllocator allocator;
    private int buffer;

    Cursor(
        Iterator<ArrowFieldNode> nodes,
        IpcBody body,
        @Nullable CompressionCodec codec,
        BufferAllocator allocator) {
      this.nodes = nodes;
      this.body = body;
      this.codec = codec;
      this.allocator = allocator;
    }

    void load(FieldVector vector) {
      ArrowFieldNode node = nodes.next();
      List<ArrowBuf> buffers = new ArrayList<>();
      try {
        int count = TypeLayout.getTypeBufferCount(vector.getField().getType());
        for (int i = 0; i < count; i++) {
          ArrowBuf stored = body.buffer(buffer++);
          stored.getReferenceManager().retain();
          buffers.add(stored);
          if (codec != null && stored.capacity() > 0) {
            buffers.set(i, decompressed(codec, stored));
          }
        }
        vector.loadFieldBuffers(node, buffers);
      } finally {
        Closing.all(buffers);
      }
      vector.getChildrenFromFields().forEach(this::load);
    }

    /** Takes over {@code stored} unless it fails. */
    private ArrowBuf decompressed(CompressionCodec codec, ArrowBuf stored) {
      try {
        return codec.decompress(allocator, stored);
      } catch (LinkageError e) {
        throw new InterchangeException(
            "its compression "
                + codec.getCodecType()
                + " misses a class ("
                + e
                + "); put the dependencies of org.apache.arrow:arrow-compression, commons-io among"
                + " them, before older ones on the class path",
            e);
      }
    }
  }
}
