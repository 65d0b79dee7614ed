package io.arrowtensor;

/** The producer of a stream failed: its error number and its text. */
public final class StreamException extends InterchangeException {
  private static final long serialVersionUID = 1;

  private final int errno;

  /**
   * Creates the error.
   *
   * @param message says what failed, with the producer's own text
   * @param errno the producer's error number, as {@code errno.h} numbers them
   */
  public StreamException(String message, int errno) {
    super(message);
    this.errno = errno;
  }

  /** As {@link #StreamException(String, int)}, with the failure that led to it. */
  public StreamException(String message, int errno, Throwable cause) {
    super(message, cause);
    this.errno = errno;
  }

  /** The producer's error number, as {@code errno.h} numbers them: 5 is an I/O error. */
  public int errno() {
    return errno;
  }
}
