package io.arrowtensor.spark;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.spark.SparkEnv;
import org.apache.spark.SparkFiles;
import org.apache.spark.util.ShutdownHookManager;

/**
 * Local copies of the files that jobs name, fetched once per process through Hadoop's file systems.
 * Safe from any thread: one fetches, others wait.
 */
final class ProcessFiles {
  /** A remote file, as long as it does not change. */
  private record Version(URI uri, long bytes, long modified) {}

  private static final ConcurrentHashMap<Version, Path> FETCHED = new ConcurrentHashMap<>();

  private ProcessFiles() {}

  /** A readable local copy of {@code uri}; the file itself when it is local. */
  static Path localCopy(URI uri, Configuration conf) throws IOException {
    if (uri.getScheme() == null && SparkEnv.get() != null) {
      Path added = Path.of(SparkFiles.getRootDirectory(), uri.getPath());
      if (Files.isReadable(added)) {
        return added;
      }
    }
    org.apache.hadoop.fs.Path remote = new org.apache.hadoop.fs.Path(uri);
    FileSystem files = remote.getFileSystem(conf);
    org.apache.hadoop.fs.Path qualified = files.makeQualified(remote);
    if (files instanceof LocalFileSystem local) {
      Path path = local.pathToFile(qualified).toPath();
      if (!Files.isReadable(path)) {
        throw new IOException(
            "Cannot read " + uri + ": there is no such file on this machine (" + path + ")");
      }
      return path;
    }
    return fetchOnce(qualified, files);
  }

  private static Path fetchOnce(org.apache.hadoop.fs.Path remote, FileSystem files)
      throws IOException {
    FileStatus status = files.getFileStatus(remote);
    Version version = new Version(remote.toUri(), status.getLen(), status.getModificationTime());
    try {
      return FETCHED.computeIfAbsent(version, wanted -> fetch(remote, files));
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  private static Path fetch(org.apache.hadoop.fs.Path remote, FileSystem files) {
    try (InputStream in = files.open(remote)) {
      Path target = Files.createTempDirectory(Root.FOLDER, "fetched").resolve(remote.getName());
      Files.copy(in, target);
      return target;
    } catch (IOException e) {
      throw new UncheckedIOException(
          new IOException("Cannot fetch " + remote + ": " + e.getMessage(), e));
    }
  }

  /** Created with the first fetch, removed with the process. */
  private static final class Root {
    static final Path FOLDER = create();

    private static Path create() {
      try {
        Path folder = Files.createTempDirectory("arrow-tensor-files");
        ShutdownHookManager.registerShutdownDeleteDir(folder.toFile());
        return folder;
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
