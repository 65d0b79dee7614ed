package io.arrowtensor.arrow;

import io.arrowtensor.BatchSchema;
import io.arrowtensor.BatchStream;
import io.arrowtensor.Options;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.StreamException;
import java.io.IOException;
import org.apache.arrow.vector.ipc.ArrowReader;
import org.jspecify.annotations.Nullable;

/** The batches of an Arrow reader, whose vectors it reloads for each. */
final class ReaderStream implements BatchStream {
  private static final int EIO = 5;

  private final ArrowReader reader;
  private final Options options;
  private final BatchSchema schema;
  private boolean ended;
  private boolean closed;

  /** Takes over {@code reader}, also when this fails. */
  ReaderStream(ArrowReader reader, Options options) {
    this.reader = reader;
    this.options = options;
    try {
      this.schema =
          NodeSchemas.batch(reader.getVectorSchemaRoot().getSchema().getFields(), options);
    } catch (IOException e) {
      close();
      throw failure(e);
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
  }

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
    try {
      ended = ended || !reader.loadNextBatch();
      return ended ? null : RootBatches.view(reader.getVectorSchemaRoot(), reader, options);
    } catch (IOException e) {
      throw failure(e);
    }
  }

  private static StreamException failure(IOException e) {
    return new StreamException("Cannot read an Arrow stream: " + e.getMessage(), EIO, e);
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      try {
        reader.close();
      } catch (IOException e) {
        throw failure(e);
      }
    }
  }
}
