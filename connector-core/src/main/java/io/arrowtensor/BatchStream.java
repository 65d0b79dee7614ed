package io.arrowtensor;

import io.arrowtensor.internal.Closing;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Batches one after the other, pulled by their consumer: an {@code ArrowArrayStream} that was taken
 * over, an {@code ArrowReader}, or what one of the two is to be made of.
 *
 * <p><b>Ownership.</b> Each batch passes to the caller, who closes it; it outlives the stream.
 * Whoever holds the stream closes it, once.
 *
 * <p><b>Threads.</b> Any, one at a time.
 */
public interface BatchStream extends AutoCloseable {
  /** The columns of every batch, known before the first one. */
  BatchSchema schema();

  /**
   * The next batch, null at the end and ever after. May wait for whoever produces it.
   *
   * @throws StreamException when the producer fails
   * @throws InterchangeException when the batch cannot be described; it has been released
   * @throws IllegalStateException when the stream was closed
   */
  @Nullable OwnedBatch next();

  /** Releases the stream, not the batches that it gave. Idempotent. */
  @Override
  void close();

  /**
   * A stream of {@code batches}; takes them over, and closes those that nobody asked for.
   *
   * @throws InterchangeException for no batches, whose schema nobody could tell
   */
  static BatchStream of(OwnedBatch... batches) {
    List<OwnedBatch> left = List.of(batches);
    if (left.isEmpty()) {
      throw new InterchangeException(
          "Cannot make a stream of no batches: its schema is that of the first one; give it a"
              + " batch of 0 rows");
    }
    BatchSchema schema;
    try {
      schema = left.get(0).schema();
    } catch (RuntimeException | Error e) {
      Closing.quietly(e, left);
      throw e;
    }
    Iterator<OwnedBatch> iterator = left.iterator();
    return new BatchStream() {
      private boolean closed;

      @Override
      public BatchSchema schema() {
        return schema;
      }

      @Override
      public @Nullable OwnedBatch next() {
        if (closed) {
          throw new IllegalStateException(
              "Cannot read a stream that was closed: close it behind its last batch");
        }
        return iterator.hasNext() ? iterator.next() : null;
      }

      @Override
      public void close() {
        closed = true;
        List<OwnedBatch> unasked = new ArrayList<>();
        iterator.forEachRemaining(unasked::add);
        Closing.all(unasked);
      }
    };
  }
}
