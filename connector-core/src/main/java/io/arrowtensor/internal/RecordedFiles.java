package io.arrowtensor.internal;

import io.arrowtensor.FileAccess;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Files that a function reads while a job is built, remembered for the workers, which compare
 * theirs ({@link KnownFile#require}). One thread.
 */
public final class RecordedFiles implements FileAccess {
  private final FileAccess files;
  private final List<KnownFile> known = new ArrayList<>();

  /** {@code files} brings them. */
  public RecordedFiles(FileAccess files) {
    this.files = files;
  }

  @Override
  public Path localCopy(URI uri) throws IOException {
    Path local = files.localCopy(uri);
    known.add(KnownFile.of(uri, local));
    return local;
  }

  /** What was read so far. */
  public List<KnownFile> known() {
    return List.copyOf(known);
  }
}
