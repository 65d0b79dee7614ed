package io.arrowtensor.python;

import io.arrowtensor.BatchStream;
import io.arrowtensor.Options;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.arrow.CData;
import io.arrowtensor.internal.Abi;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** A stream that Python holds, closed with the block unless it was handed on. */
final class StreamHandle extends Handle {
  private final AtomicReference<@Nullable BatchStream> stream;

  private StreamHandle(BatchStream stream) {
    this.stream = new AtomicReference<>(stream);
  }

  /** A block for {@code stream}, which it takes over. */
  static long of(BatchStream stream) {
    try {
      return new StreamHandle(stream).publish(Protocol.Handle.STREAM, Protocol.Stream.SIZE);
    } catch (RuntimeException | Error e) {
      stream.close();
      throw e;
    }
  }

  /** The stream, which passes to the caller. */
  BatchStream take() {
    BatchStream taken = stream.getAndSet(null);
    if (taken == null) {
      throw handedOn();
    }
    return taken;
  }

  private static IllegalStateException handedOn() {
    return new IllegalStateException(
        "Cannot read a stream that was handed on: its consumer has the batches now");
  }

  @Override
  long answer(int operation, long argument) {
    return switch (operation) {
      case Protocol.Stream.NEXT -> next();
      case Protocol.Stream.ARROW_STREAM ->
          ArrowStructs.single(
              Abi.ArrayStream.SIZE,
              struct -> CData.exportStream(take(), Options.defaults(), struct));
      default -> throw unknown(operation);
    };
  }

  private long next() {
    BatchStream held = stream.get();
    if (held == null) {
      throw handedOn();
    }
    OwnedBatch batch = held.next();
    return batch == null ? 0 : BatchHandle.of(batch);
  }

  @Override
  void close() {
    BatchStream held = stream.getAndSet(null);
    if (held != null) {
      held.close();
    }
  }
}
