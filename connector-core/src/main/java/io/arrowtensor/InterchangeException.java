package io.arrowtensor;

/**
 * The root of this library's errors. Each message says what is wrong, names the offending value and
 * tells the remedy; nothing is leaked and no data was touched when one is thrown.
 */
public class InterchangeException extends RuntimeException {
  private static final long serialVersionUID = 1;

  /** Creates the error; {@code message} says what is wrong, the offending value and the remedy. */
  public InterchangeException(String message) {
    super(message);
  }

  /** As {@link #InterchangeException(String)}, with the failure that led to it. */
  public InterchangeException(String message, Throwable cause) {
    super(message, cause);
  }
}
