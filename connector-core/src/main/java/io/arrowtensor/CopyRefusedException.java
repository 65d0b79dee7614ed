package io.arrowtensor;

/**
 * A copy would be needed and {@link Copy#NEVER} forbids it. The Python side raises it as {@code
 * BufferError}.
 */
public final class CopyRefusedException extends InterchangeException {
  private static final long serialVersionUID = 1;

  /** Creates the error; {@code message} says what is wrong, the offending value and the remedy. */
  public CopyRefusedException(String message) {
    super(message);
  }
}
