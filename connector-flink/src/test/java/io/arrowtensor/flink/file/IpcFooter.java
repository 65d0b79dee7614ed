package io.arrowtensor.flink.file;

import com.google.flatbuffers.FlatBufferBuilder;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.arrow.flatbuf.Footer;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.ipc.ArrowFileReader;
import org.apache.arrow.vector.ipc.message.ArrowBlock;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.Schema;

/** What an Arrow IPC file says of itself, to be changed and written behind the file's bytes. */
record IpcFooter(
    Schema schema, short endianness, List<ArrowBlock> dictionaries, List<ArrowBlock> batches) {
  static IpcFooter of(Path file) throws Exception {
    try (RootAllocator allocator = new RootAllocator();
        FileChannel in = FileChannel.open(file);
        ArrowFileReader reader = new ArrowFileReader(in, allocator)) {
      int length = (int) Files.size(file);
      ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
      int size = bytes.getInt(length - 10);
      Footer footer =
          Footer.getRootAsFooter(
              bytes.slice(length - 10 - size, size).order(ByteOrder.LITTLE_ENDIAN));
      return new IpcFooter(
          Schema.convertSchema(footer.schema()),
          footer.schema().endianness(),
          reader.getDictionaryBlocks(),
          reader.getRecordBlocks());
    }
  }

  IpcFooter with(Field... fields) {
    return new IpcFooter(new Schema(List.of(fields)), endianness, dictionaries, batches);
  }

  IpcFooter with(ArrowBlock... blocks) {
    return new IpcFooter(schema, endianness, dictionaries, List.of(blocks));
  }

  IpcFooter with(short order) {
    return new IpcFooter(schema, order, dictionaries, batches);
  }

  /** Writes {@code file} anew, with this as its last footer, which is the one that counts. */
  void write(Path file) throws Exception {
    FlatBufferBuilder builder = new FlatBufferBuilder();
    int[] offsets = schema.getFields().stream().mapToInt(f -> f.getField(builder)).toArray();
    int fields = org.apache.arrow.flatbuf.Schema.createFieldsVector(builder, offsets);
    org.apache.arrow.flatbuf.Schema.startSchema(builder);
    org.apache.arrow.flatbuf.Schema.addEndianness(builder, endianness);
    org.apache.arrow.flatbuf.Schema.addFields(builder, fields);
    int root = org.apache.arrow.flatbuf.Schema.endSchema(builder);
    Footer.startDictionariesVector(builder, dictionaries.size());
    int words = blocks(builder, dictionaries);
    Footer.startRecordBatchesVector(builder, batches.size());
    int records = blocks(builder, batches);
    Footer.startFooter(builder);
    Footer.addSchema(builder, root);
    Footer.addDictionaries(builder, words);
    Footer.addRecordBatches(builder, records);
    builder.finish(Footer.endFooter(builder));
    byte[] footer = builder.sizedByteArray();
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    bytes.write(Files.readAllBytes(file));
    bytes.write(footer);
    ByteBuffer length = ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.write(length.putInt(footer.length).array());
    bytes.write(new byte[] {'A', 'R', 'R', 'O', 'W', '1'});
    Files.write(file, bytes.toByteArray());
  }

  private static int blocks(FlatBufferBuilder builder, List<ArrowBlock> blocks) {
    for (int i = blocks.size() - 1; i >= 0; i--) {
      blocks.get(i).writeTo(builder);
    }
    return builder.endVector();
  }
}
