package io.arrowtensor.flink.file;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.apache.arrow.flatbuf.DictionaryBatch;
import org.apache.arrow.flatbuf.Message;
import org.apache.arrow.flatbuf.MessageHeader;
import org.apache.arrow.flatbuf.RecordBatch;
import org.apache.arrow.vector.ipc.message.ArrowBlock;

/**
 * One message of an Arrow IPC file: a continuation marker (absent before Arrow 0.15), the length of
 * its metadata, the metadata (a flatbuffer), the body with the buffers.
 *
 * @param bodyPosition where the body starts in the file
 * @param bodyLength its bytes
 */
record IpcMessage(Message message, long bodyPosition, long bodyLength) {
  private static final int CONTINUATION = -1;

  static IpcMessage read(FileInput input, ArrowBlock block) throws IOException {
    int length = block.getMetadataLength();
    if (length < 2 * Integer.BYTES || block.getBodyLength() < 0) {
      throw input.invalid("its footer names a batch of " + length + " bytes of metadata");
    }
    ByteBuffer metadata = input.read(block.getOffset(), length);
    int prefix = metadata.getInt(0) == CONTINUATION ? 2 * Integer.BYTES : Integer.BYTES;
    Message message =
        Message.getRootAsMessage(
            metadata.slice(prefix, length - prefix).order(ByteOrder.LITTLE_ENDIAN));
    return new IpcMessage(message, block.getOffset() + length, block.getBodyLength());
  }

  /** The record batch of this message. */
  RecordBatch recordBatch(FileInput input) {
    if (message.headerType() != MessageHeader.RecordBatch) {
      throw input.invalid("its footer names a message as a record batch that is none");
    }
    return (RecordBatch) message.header(new RecordBatch());
  }

  /** The dictionary of this message. */
  DictionaryBatch dictionary(FileInput input) {
    if (message.headerType() != MessageHeader.DictionaryBatch) {
      throw input.invalid("its footer names a message as a dictionary that is none");
    }
    return (DictionaryBatch) message.header(new DictionaryBatch());
  }
}
