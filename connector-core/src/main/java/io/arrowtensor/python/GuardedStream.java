package io.arrowtensor.python;

import io.arrowtensor.BatchSchema;
import io.arrowtensor.BatchStream;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.Options;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.StreamException;
import io.arrowtensor.internal.Columns;
import org.jspecify.annotations.Nullable;

/** A stream that a library in Python made: pulled and released while the interpreter is there. */
final class GuardedStream implements BatchStream {
  private static final int ECANCELED = 125;

  private final Interpreter interpreter;
  private final BatchStream stream;

  GuardedStream(Interpreter interpreter, BatchStream stream) {
    this.interpreter = interpreter;
    this.stream = stream;
  }

  @Override
  public BatchSchema schema() {
    return stream.schema();
  }

  @Override
  public @Nullable OwnedBatch next() {
    if (!interpreter.enter()) {
      throw new StreamException(
          "Cannot read the next batch of a Python stream: the interpreter has ended", ECANCELED);
    }
    try (OwnedBatch batch = stream.next()) {
      return batch == null ? null : guarded(interpreter, batch);
    } finally {
      interpreter.leave();
    }
  }

  @Override
  public void close() {
    interpreter.execute(stream::close);
  }

  /** The same batch, each of whose arrays is released through the interpreter; it stays open. */
  static OwnedBatch guarded(Interpreter interpreter, DeviceBatch batch) {
    return Columns.map(
        batch,
        array -> interpreter.guarded(array.open(Options.defaults()).withOutcome(array.outcome())));
  }
}
