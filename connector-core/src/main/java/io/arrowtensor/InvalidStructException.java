package io.arrowtensor;

/**
 * A value read from a foreign struct or description is out of range, contradicts another one or
 * overflows. The struct was released if it was ours to release.
 */
public final class InvalidStructException extends InterchangeException {
  private static final long serialVersionUID = 1;

  /** Creates the error; {@code message} says what is wrong, the offending value and the remedy. */
  public InvalidStructException(String message) {
    super(message);
  }
}
