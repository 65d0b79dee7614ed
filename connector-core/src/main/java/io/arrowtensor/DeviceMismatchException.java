package io.arrowtensor;

/**
 * Memory lives on another device than the one asked for, or on one that the target cannot reach.
 */
public final class DeviceMismatchException extends InterchangeException {
  private static final long serialVersionUID = 1;

  /** Creates the error; {@code message} says what is wrong, the offending value and the remedy. */
  public DeviceMismatchException(String message) {
    super(message);
  }
}
