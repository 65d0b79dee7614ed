package io.arrowtensor.flink.file;

import static org.assertj.core.api.Assertions.assertThat;

import io.arrowtensor.InterchangeException;
import io.arrowtensor.InvalidStructException;
import org.apache.flink.core.fs.Path;
import org.junit.jupiter.api.Test;

/** What goes wrong while a file is read names it, and blames its bytes only where they did it. */
class FileFailureTest {
  private static final Path FILE = new Path("file:/data/a.parquet");

  @Test
  void errorsOfTheProcessNameTheFile() {
    OutOfMemoryError memory = new OutOfMemoryError("Requested array size exceeds VM limit");
    assertThat(FileFailure.of(FILE, memory))
        .isInstanceOf(InterchangeException.class)
        .hasCause(memory)
        .hasMessage(
            "Cannot read "
                + FILE
                + ": "
                + memory
                + "; write it anew if it is corrupt, or"
                + " in smaller parts, or give the process more");
    assertThat(FileFailure.of(FILE, new NoClassDefFoundError("org/x/Y")))
        .hasMessageContaining("org/x/Y; put the classes that files need on the class path");
  }

  @Test
  void closedMemoryIsNoFaultOfTheFile() {
    IllegalStateException closed = new IllegalStateException("Attempted to use closed allocator");
    assertThat(FileFailure.of(FILE, closed))
        .isInstanceOf(InterchangeException.class)
        .isNotInstanceOf(InvalidStructException.class)
        .hasMessage("Cannot read " + FILE + ": " + closed)
        .hasCause(closed);
  }
}
