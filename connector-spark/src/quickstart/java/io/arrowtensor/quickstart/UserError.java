package io.arrowtensor.quickstart;

/** Something that the user named is not there or does not fit; its message is all that is shown. */
final class UserError extends RuntimeException {
  private static final long serialVersionUID = 1;

  UserError(String message) {
    super(message);
  }
}
