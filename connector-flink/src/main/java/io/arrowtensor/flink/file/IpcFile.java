package io.arrowtensor.flink.file;

import io.arrowtensor.BatchSchema;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.apache.arrow.flatbuf.Footer;
import org.apache.arrow.vector.ipc.message.ArrowBlock;
import org.apache.arrow.vector.ipc.message.ArrowFooter;
import org.apache.arrow.vector.types.pojo.Schema;
import org.apache.flink.core.fs.Path;

/**
 * An open Arrow IPC file, its schema and where its batches are. The layout: magic, messages, footer
 * (a flatbuffer), its length as int32, magic.
 *
 * <p>Arrow's own reader is not used: it reads all columns, overlooks delta dictionaries, trusts
 * what the file says of itself and loses memory when that was wrong.
 */
final class IpcFile implements Closeable {
  private static final byte[] MAGIC = "ARROW1".getBytes(StandardCharsets.US_ASCII);
  private static final int TAIL = Integer.BYTES + MAGIC.length;

  /** What a stream begins with, which has no footer. */
  private static final int CONTINUATION = -1;

  private final FileInput input;
  private final ArrowFooter footer;

  private IpcFile(FileInput input, ArrowFooter footer) {
    this.input = input;
    this.footer = footer;
  }

  /**
   * Opens a file and reads its footer. The caller closes it.
   *
   * @throws io.arrowtensor.InterchangeException when it is no Arrow file
   */
  static IpcFile open(Path path) throws IOException {
    FileInput input = FileInput.open(path);
    boolean opened = false;
    try {
      IpcFile file = new IpcFile(input, footer(input));
      opened = true;
      return file;
    } catch (RuntimeException e) {
      throw input.failed(e);
    } finally {
      if (!opened) {
        input.close();
      }
    }
  }

  private static ArrowFooter footer(FileInput input) throws IOException {
    long length = input.length();
    if (length < 2L * TAIL) {
      throw input.invalid("it is no Arrow IPC file: it has " + length + " bytes");
    }
    ByteBuffer head = input.read(0, 8);
    if (head.getInt(0) == CONTINUATION) {
      throw input.invalid(
          "it holds an Arrow stream, which can be read from its start only; write the file format"
              + " (pyarrow.ipc.new_file, Feather version 2, ArrowFileWriter)");
    }
    ByteBuffer tail = input.read(length - TAIL, TAIL);
    if (!isMagic(head, 0) || !isMagic(tail, Integer.BYTES)) {
      throw input.invalid("it does not begin and end as a complete Arrow IPC file does");
    }
    int bytes = tail.getInt(0);
    if (bytes <= 0 || bytes > length - TAIL - MAGIC.length) {
      throw input.invalid("its footer claims " + bytes + " bytes of " + length);
    }
    return new ArrowFooter(Footer.getRootAsFooter(input.read(length - TAIL - bytes, bytes)));
  }

  private static boolean isMagic(ByteBuffer bytes, int at) {
    return bytes.slice(at, MAGIC.length).equals(ByteBuffer.wrap(MAGIC));
  }

  FileInput input() {
    return input;
  }

  /** The fields, those with dictionaries as what the dictionaries hold. */
  Schema schema() {
    return footer.getSchema();
  }

  /**
   * The columns called {@code names} as batches have them; all of them for no names.
   *
   * @throws io.arrowtensor.InterchangeException naming file and column
   */
  BatchSchema columns(List<String> names) {
    try {
      return IpcFields.schema(this, IpcFields.find(this, names));
    } catch (RuntimeException e) {
      throw input.failed(e);
    }
  }

  List<ArrowBlock> recordBlocks() {
    return footer.getRecordBatches();
  }

  List<ArrowBlock> dictionaryBlocks() {
    return footer.getDictionaries();
  }

  @Override
  public void close() throws IOException {
    input.close();
  }
}
