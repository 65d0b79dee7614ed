package io.arrowtensor;

/**
 * A task waited for memory at its limit, and the batches that hold it were not freed in time. The
 * message says who holds how much.
 */
public final class MemoryLimitException extends InterchangeException {
  private static final long serialVersionUID = 1;

  /** Creates the error; {@code message} says what is wrong, the offending value and the remedy. */
  public MemoryLimitException(String message) {
    super(message);
  }
}
