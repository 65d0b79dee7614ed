package io.arrowtensor.flink;

import java.io.IOException;
import java.nio.ByteBuffer;
import org.apache.arrow.flatbuf.Message;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.ipc.ReadChannel;
import org.apache.arrow.vector.ipc.message.MessageChannelReader;
import org.apache.arrow.vector.ipc.message.MessageMetadataResult;
import org.apache.arrow.vector.ipc.message.MessageResult;
import org.apache.arrow.vector.ipc.message.MessageSerializer;
import org.apache.flink.core.memory.DataInputView;
import org.jspecify.annotations.Nullable;

/**
 * The messages of an IPC stream. Arrow's own reader allocates whatever length the stream claims,
 * before it reads on.
 */
final class BatchMessages extends MessageChannelReader {
  /** Schemas and the places of buffers: a few hundred bytes for each column. */
  private static final int MOST_METADATA = 1 << 26;

  private final DataInputView source;
  private final ViewChannels.In channel;
  private @Nullable ArrowBuf body;

  BatchMessages(DataInputView source, BufferAllocator allocator) {
    this(source, new ViewChannels.In(source), allocator);
  }

  private BatchMessages(DataInputView source, ViewChannels.In channel, BufferAllocator allocator) {
    super(new ReadChannel(channel), allocator);
    this.source = source;
    this.channel = channel;
  }

  @Override
  public @Nullable MessageResult readNext() throws IOException {
    int length = readLength(source);
    if (length == 0) {
      return null;
    }
    channel.unread(length);
    MessageResult message = super.readNext();
    body = message.getBodyBuffer();
    return message;
  }

  /** Frees the last body for all who retained it, which Arrow does not where parsing it fails. */
  void freeBody() {
    ArrowBuf left = body;
    body = null;
    if (left != null && left.refCnt() > 0) {
      left.getReferenceManager().release(left.refCnt());
    }
  }

  /**
   * Reads what stands before a body; null at the end of the stream.
   *
   * @throws IOException for a length that no message has
   */
  static @Nullable MessageMetadataResult read(DataInputView source) throws IOException {
    int length = readLength(source);
    if (length == 0) {
      return null;
    }
    byte[] bytes = new byte[length];
    source.readFully(bytes);
    Message message = Message.getRootAsMessage(ByteBuffer.wrap(bytes));
    if (message.bodyLength() < 0) {
      throw new IOException(
          "Cannot read a batch: its stream claims a body of " + message.bodyLength() + " bytes");
    }
    return MessageMetadataResult.create(ByteBuffer.wrap(bytes), length);
  }

  /** The length of the next message, without the body; 0 at the end of the stream. */
  private static int readLength(DataInputView source) throws IOException {
    int length = Integer.reverseBytes(source.readInt());
    if (length == MessageSerializer.IPC_CONTINUATION_TOKEN) {
      length = Integer.reverseBytes(source.readInt());
    }
    if (length < 0 || length > MOST_METADATA) {
      throw new IOException(
          "Cannot read a batch: its stream claims a message of "
              + length
              + " bytes before the body, of at most "
              + MOST_METADATA);
    }
    return length;
  }
}
