package io.arrowtensor.python;

import io.arrowtensor.InterchangeException;
import io.arrowtensor.internal.Native;
import io.arrowtensor.internal.NativeLibrary;
import io.arrowtensor.internal.Owner;
import io.arrowtensor.internal.RawMemory;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * The owner of a block that Python holds: answers its calls, on whichever thread they come. Nothing
 * that it does leaves by an exception.
 */
abstract class Endpoint extends Owner {
  /** The answer to one call; see {@link Protocol}. May throw anything. */
  abstract long answer(int operation, long argument);

  /** Whether what is exchanged here is a DLPack struct, which has errors of its own. */
  boolean speaksDlpack(int operation) {
    return false;
  }

  @Override
  @SuppressWarnings("CatchingUnchecked") // there is nobody in C to catch an error either
  protected final long call(long operation, long argument) {
    try {
      return answer((int) operation, argument);
    } catch (Throwable e) {
      return Failure.answer(e, speaksDlpack((int) operation));
    }
  }

  static InterchangeException unknown(int operation) {
    return new InterchangeException(
        "Cannot answer operation "
            + operation
            + ": the Python package arrowtensor and this library are of different versions; install the package that belongs to the jar");
  }

  /** A block without an owner, with {@code value} first and {@code text} behind it. */
  static long text(long value, String text) {
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    long block = newBlock(null, Long.BYTES + utf8.length + 1L);
    RawMemory.putLong(block, value);
    RawMemory.copyFrom(utf8, 0, block + Long.BYTES, utf8.length);
    return block;
  }

  /** {@code bytes} of zeros that the caller fills, and that {@code owner} answers for. */
  static long newBlock(@Nullable Owner owner, long bytes) {
    NativeLibrary.require();
    long block = Native.newExport(owner, bytes);
    if (block == 0) {
      throw new OutOfMemoryError(
          "Cannot allocate " + bytes + " bytes for Python: the system has no memory left");
    }
    return block;
  }
}
