package io.arrowtensor.internal;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** Closes several things although one of them fails. */
public final class Closing {
  private Closing() {}

  /**
   * Closes each of {@code closeables}; then throws the first failure with the others suppressed.
   * Nulls are skipped.
   */
  @SuppressWarnings("try") // a close() that is interrupted is reported like any other failure
  public static void all(Iterable<? extends @Nullable AutoCloseable> closeables) {
    RuntimeException failure = null;
    for (AutoCloseable closeable : closeables) {
      try {
        if (closeable != null) {
          closeable.close();
        }
      } catch (Exception e) {
        if (failure == null) {
          failure =
              e instanceof RuntimeException unchecked
                  ? unchecked
                  : new IllegalStateException("Cannot close: " + e.getMessage(), e);
        } else {
          failure.addSuppressed(e);
        }
      }
    }
    if (failure != null) {
      throw failure;
    }
  }

  /**
   * Closes each of {@code closeables} while {@code failure} is under way; what they throw is
   * suppressed.
   */
  public static void quietly(
      Throwable failure, List<? extends @Nullable AutoCloseable> closeables) {
    try {
      all(closeables);
    } catch (RuntimeException e) {
      failure.addSuppressed(e);
    }
  }
}
