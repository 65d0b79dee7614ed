package io.arrowtensor.python;

import io.arrowtensor.ArraySource;
import io.arrowtensor.BatchSource;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.Memory;
import io.arrowtensor.Nulls;
import io.arrowtensor.Options;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.Storage;
import io.arrowtensor.arrow.CData;
import io.arrowtensor.dlpack.Dlpack;
import io.arrowtensor.internal.Native;
import io.arrowtensor.internal.RawMemory;

/** What Python starts from: the interpreter's functions, and the ways in. Never dropped. */
final class Root extends Endpoint {
  /** Batches keep nulls as masks and dates, times and text as what they are stored in. */
  private static final Options MASKED =
      Options.defaults().withNulls(Nulls.MASK).withStorage(Storage.AS_BYTES);

  private final Interpreter interpreter = new Interpreter();

  /** The block of a new root. */
  static long publish() {
    long block = newBlock(new Root(), Protocol.Root.SIZE);
    RawMemory.putLong(block + Protocol.Root.VERSION, Protocol.VERSION);
    RawMemory.putLong(block + Protocol.Root.TABLE, Native.callback(Native.PYTHON_TABLE));
    return block;
  }

  @Override
  boolean speaksDlpack(int operation) {
    return operation == Protocol.Root.TAKE_DLPACK;
  }

  @Override
  long answer(int operation, long argument) {
    return switch (operation) {
      case Protocol.Root.OPEN -> {
        interpreter.open(word(argument, 0), word(argument, 1), word(argument, 2));
        yield 0;
      }
      case Protocol.Root.CLOSE -> {
        interpreter.close();
        yield 0;
      }
      case Protocol.Root.TAKE_DLPACK -> {
        long struct = word(argument, 0);
        boolean versioned = word(argument, 1) != 0;
        yield array(
            versioned ? Dlpack.take(struct) : Dlpack.takeUnversioned(struct), argument + 16);
      }
      case Protocol.Root.TAKE_ARROW ->
          array(CData.take(word(argument, 0), word(argument, 1)), argument + 16);
      case Protocol.Root.TAKE_BATCH -> batch(CData.take(word(argument, 0), word(argument, 1)));
      default -> throw unknown(operation);
    };
  }

  /** A new array of what Python has given us, under the options at {@code options}. */
  private long array(ArraySource source, long options) {
    Options placed = ArrayHandle.placed(options);
    ArraySource guarded = how -> interpreter.guarded(source.open(how));
    return ArrayHandle.of(Memory.forExport(guarded, placed));
  }

  private long batch(BatchSource source) {
    try (OwnedBatch taken = DeviceBatch.from(source, MASKED)) {
      return BatchHandle.of(
          Columns.map(
              taken,
              array ->
                  interpreter
                      .guarded(array.open(Options.defaults()))
                      .withOutcome(array.outcome())));
    }
  }

  private static long word(long arguments, int index) {
    return RawMemory.longAt(arguments + 8L * index);
  }

  @Override
  protected void free() {
    throw new AssertionError("The entry of Python is never dropped");
  }
}
