package io.arrowtensor.flink.file;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.Arrays;
import java.util.Comparator;
import org.apache.flink.core.fs.FileStatus;
import org.apache.flink.core.fs.FileSystem;
import org.apache.flink.core.fs.Path;
import org.jspecify.annotations.Nullable;

/** A file to learn the schema from. */
final class ExampleFile {
  private ExampleFile() {}

  /**
   * {@code path} itself, or the first file of that folder and those in it by name, as partitions
   * lie; names that Flink's file source skips are skipped.
   */
  static Path of(Path path) throws IOException {
    FileSystem files = path.getFileSystem();
    FileStatus status = files.getFileStatus(path);
    Path first = status.isDir() ? firstIn(files, path) : path;
    if (first == null) {
      throw new FileNotFoundException(
          "Cannot learn the columns of "
              + path
              + ": the folder has no files; name one, or give the schema");
    }
    return first;
  }

  private static @Nullable Path firstIn(FileSystem files, Path folder) throws IOException {
    FileStatus[] all = files.listStatus(folder);
    Arrays.sort(all, Comparator.comparing(status -> status.getPath().getName()));
    for (FileStatus status : all) {
      Path path = status.getPath();
      if (!isHidden(path.getName())) {
        Path first = status.isDir() ? firstIn(files, path) : path;
        if (first != null) {
          return first;
        }
      }
    }
    return null;
  }

  private static boolean isHidden(String name) {
    return name.startsWith(".") || name.startsWith("_");
  }
}
