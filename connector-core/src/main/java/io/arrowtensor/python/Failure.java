package io.arrowtensor.python;

import io.arrowtensor.CopyRefusedException;
import io.arrowtensor.DeviceMismatchException;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.InvalidStructException;
import io.arrowtensor.NullsException;
import io.arrowtensor.UnsupportedTypeException;
import org.apache.arrow.memory.OutOfMemoryException;

/** Java's exceptions as those that the Python array API standard names. */
final class Failure {
  private Failure() {}

  /**
   * The answer that makes Python raise {@code e}; {@link Protocol#NO_MEMORY} when there is not even
   * memory to say so.
   *
   * @param dlpack whether a DLPack struct was exchanged: {@code BufferError} stands for whatever it
   *     cannot carry
   */
  static long answer(Throwable e, boolean dlpack) {
    try {
      return -Endpoint.text(kind(e, dlpack), message(e));
    } catch (OutOfMemoryError none) {
      return Protocol.NO_MEMORY;
    }
  }

  private static int kind(Throwable e, boolean dlpack) {
    if (e instanceof CopyRefusedException || e instanceof DeviceMismatchException) {
      return Protocol.Raise.BUFFER;
    }
    if (e instanceof UnsupportedTypeException) {
      return dlpack ? Protocol.Raise.BUFFER : Protocol.Raise.TYPE;
    }
    if (e instanceof InvalidStructException) {
      return dlpack ? Protocol.Raise.BUFFER : Protocol.Raise.VALUE;
    }
    if (e instanceof NullsException
        || e instanceof IllegalArgumentException
        || e instanceof IndexOutOfBoundsException) {
      return Protocol.Raise.VALUE;
    }
    return e instanceof OutOfMemoryError || e instanceof OutOfMemoryException
        ? Protocol.Raise.MEMORY
        : Protocol.Raise.RUNTIME;
  }

  private static String message(Throwable e) {
    boolean ours = e instanceof InterchangeException && e.getMessage() != null;
    return ours ? String.valueOf(e.getMessage()) : e.toString();
  }
}
