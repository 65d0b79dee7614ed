package io.arrowtensor;

/** A type, element type or layout that the target cannot carry. */
public final class UnsupportedTypeException extends InterchangeException {
  private static final long serialVersionUID = 1;

  /** Creates the error; {@code message} says what is wrong, the offending value and the remedy. */
  public UnsupportedTypeException(String message) {
    super(message);
  }
}
