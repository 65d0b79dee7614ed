package io.arrowtensor.flink.file;

import io.arrowtensor.UnsupportedTypeException;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.apache.arrow.flatbuf.Endianness;
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

  /** The magic, padded. */
  private static final int FIRST_MESSAGE = 8;

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
      requireInside(input, file.dictionaryBlocks());
      requireInside(input, file.recordBlocks());
      opened = true;
      return file;
    } catch (RuntimeException e) {
      throw input.failed(e);
    } catch (OutOfMemoryError | StackOverflowError | LinkageError e) {
      throw FileFailure.of(input.path(), e);
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
    Footer footer = Footer.getRootAsFooter(input.read(length - TAIL - bytes, bytes));
    if (footer.schema().endianness() != Endianness.Little) {
      throw new UnsupportedTypeException(
          "Cannot read "
              + input.path()
              + ": its numbers are big-endian; write it on a little-endian machine");
    }
    return new ArrowFooter(footer);
  }

  /** Refuses a batch outside of the file: it would belong to no split, and be lost unseen. */
  private static void requireInside(FileInput input, List<ArrowBlock> blocks) {
    for (ArrowBlock block : blocks) {
      long offset = block.getOffset();
      long metadata = block.getMetadataLength();
      long body = block.getBodyLength();
      long most = input.length() - metadata;
      if (offset < FIRST_MESSAGE
          || metadata < 2 * Integer.BYTES
          || body < 0
          || offset > most
          || body > most - offset) {
        throw input.invalid(
            "its footer names a batch of "
                + metadata
                + " and "
                + body
                + " bytes at "
                + offset
                + " of "
                + input.length());
      }
    }
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
  FileSchema columns(List<String> names) {
    try {
      return IpcFields.schema(this, IpcFields.find(this, names));
    } catch (RuntimeException e) {
      throw input.failed(e);
    } catch (OutOfMemoryError | StackOverflowError | LinkageError e) {
      throw FileFailure.of(input.path(), e);
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
