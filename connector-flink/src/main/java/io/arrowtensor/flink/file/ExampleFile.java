package io.arrowtensor.flink.file;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.Arrays;
import java.util.Comparator;
import org.apache.flink.core.fs.FileStatus;
import org.apache.flink.core.fs.FileSystem;
import org.apache.flink.core.fs.Path;

/** A file to learn the schema from. */
final class ExampleFile {
  private ExampleFile() {}

  /**
   * {@code path} itself, or the first file of that folder by name; names that Flink's file source
   * skips are skipped.
   */
  static Path of(Path path) throws IOException {
    FileSystem files = path.getFileSystem();
    if (!files.getFileStatus(path).isDir()) {
      return path;
    }
    return Arrays.stream(files.listStatus(path))
        .filter(status -> !status.isDir() && !isHidden(status.getPath().getName()))
        .map(FileStatus::getPath)
        .min(Comparator.comparing(Path::getName))
        .orElseThrow(
            () ->
                new FileNotFoundException(
                    "Cannot learn the columns of "
                        + path
                        + ": the folder has no files; name one, or give the schema"));
  }

  private static boolean isHidden(String name) {
    return name.startsWith(".") || name.startsWith("_");
  }
}
