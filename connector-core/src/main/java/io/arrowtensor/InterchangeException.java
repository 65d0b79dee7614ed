package io.arrowtensor;

import java.util.OptionalLong;

/**
 * The root of this library's errors. Each message says what is wrong, names the offending value and
 * tells the remedy; nothing is leaked and no data was touched when one is thrown.
 */
public class InterchangeException extends RuntimeException {
  private static final long serialVersionUID = 1;
  private static final long NO_ROW = -1;

  private long row = NO_ROW;

  /** Creates the error; {@code message} says what is wrong, the offending value and the remedy. */
  public InterchangeException(String message) {
    super(message);
  }

  /** As {@link #InterchangeException(String)}, with the failure that led to it. */
  public InterchangeException(String message, Throwable cause) {
    super(message, cause);
  }

  /**
   * Names the row that this is about, for a connector that tells where in its table or stream the
   * row is.
   *
   * @param row counted in the batch, from 0
   * @return this
   */
  public final InterchangeException atRow(long row) {
    this.row = row;
    return this;
  }

  /** The first row of the batch that this is about; empty where no row is, or none is known. */
  public final OptionalLong row() {
    return row == NO_ROW ? OptionalLong.empty() : OptionalLong.of(row);
  }
}
