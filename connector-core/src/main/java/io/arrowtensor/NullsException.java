package io.arrowtensor;

/**
 * A column has nulls and the policy is {@link Nulls#REJECT}, or the nulls of a column cannot be
 * known.
 */
public final class NullsException extends InterchangeException {
  private static final long serialVersionUID = 1;

  /** Creates the error; {@code message} says what is wrong, the offending value and the remedy. */
  public NullsException(String message) {
    super(message);
  }
}
