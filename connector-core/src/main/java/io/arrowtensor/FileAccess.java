package io.arrowtensor;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;

/**
 * Brings a file that a job names to the machine that asks; through the engine's own file systems.
 */
@FunctionalInterface
public interface FileAccess {

  /** Reads local files only: {@code file:} URIs and plain paths. */
  FileAccess LOCAL =
      uri -> {
        if (uri.getScheme() != null && !"file".equals(uri.getScheme())) {
          throw new IOException("Cannot open " + uri + ": only local files can be read here");
        }
        return uri.getScheme() == null ? Path.of(uri.getPath()) : Path.of(uri);
      };

  /**
   * A readable local copy, fetched once per process; the file itself when it is local already. Not
   * to be changed or deleted.
   *
   * @throws IOException naming {@code uri} when it cannot be read
   */
  Path localCopy(URI uri) throws IOException;
}
