package io.arrowtensor.flink.file;

import io.arrowtensor.InterchangeException;
import io.arrowtensor.InvalidStructException;
import io.arrowtensor.UnsupportedTypeException;
import io.arrowtensor.flink.TensorSettings;
import java.io.IOException;
import org.apache.arrow.memory.OutOfMemoryException;
import org.apache.flink.core.fs.Path;

/** The errors of files: all name the file. */
final class FileFailure {
  private FileFailure() {}

  /** A file that is not what it should be. */
  static InvalidStructException invalid(Path path, String why) {
    return new InvalidStructException(
        "Cannot read " + path + ": " + why + "; write it anew, or leave it out");
  }

  /** As {@link #of(Path, RuntimeException)}: Parquet reports broken files as both kinds. */
  static IOException of(Path path, IOException failure) {
    String message = failure.getMessage();
    return new IOException(
        "Cannot read " + path + ": " + (message == null ? failure : message), failure);
  }

  /** {@code failure}, which is of memory, of the depth of calls or of a class. */
  static InterchangeException of(Path path, Error failure) {
    String remedy =
        failure instanceof LinkageError
            ? "; put the classes that files need on the class path, in versions that fit together"
            : "; write it anew if it is corrupt, or in smaller parts, or give the process more";
    return new InterchangeException("Cannot read " + path + ": " + failure + remedy, failure);
  }

  /** {@code failure}, met while {@code path} was read. */
  static RuntimeException of(Path path, RuntimeException failure) {
    String name = "Cannot read " + path;
    String message = String.valueOf(failure.getMessage());
    if (failure instanceof InterchangeException) {
      return message.startsWith(name) ? failure : named(name + ": " + message, failure);
    }
    if (failure instanceof OutOfMemoryException) {
      return new InterchangeException(
          name
              + ": its batch does not fit into the memory of this reader ("
              + message
              + "); raise "
              + TensorSettings.TASK_MEMORY.key()
              + " of the cluster, or write smaller batches",
          failure);
    }
    if (failure instanceof IllegalStateException) { // closed memory, say: not the file's fault
      return new InterchangeException(name + ": " + failure, failure);
    }
    InterchangeException named =
        failure instanceof UnsupportedOperationException
            ? new UnsupportedTypeException(
                name + ": " + message + "; write it in another way, or leave it out")
            : invalid(path, "its bytes make no sense (" + failure + ")");
    named.initCause(failure);
    return named;
  }

  /** {@code failure} with another message, of the same kind where that says whose fault it is. */
  private static InterchangeException named(String message, RuntimeException failure) {
    InterchangeException named = new InterchangeException(message);
    if (failure instanceof InvalidStructException) {
      named = new InvalidStructException(message);
    } else if (failure instanceof UnsupportedTypeException) {
      named = new UnsupportedTypeException(message);
    }
    named.initCause(failure);
    return named;
  }
}
