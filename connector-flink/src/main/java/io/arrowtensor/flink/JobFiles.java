package io.arrowtensor.flink;

import io.arrowtensor.FileAccess;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.flink.core.fs.FileStatus;
import org.apache.flink.core.fs.FileSystem;
import org.apache.flink.core.fs.local.LocalFileSystem;

/**
 * Local copies of the files that a job names, fetched once per process and job through Flink's file
 * systems. Safe from any thread: one fetches, others wait.
 */
final class JobFiles implements FileAccess {
  static final JobFiles INSTANCE = new JobFiles();

  /** A remote file, as long as it does not change. */
  private record Version(URI uri, long bytes, long modified) {}

  private final ConcurrentHashMap<Version, Path> fetched = new ConcurrentHashMap<>();

  private JobFiles() {}

  @Override
  public Path localCopy(URI uri) throws IOException {
    org.apache.flink.core.fs.Path remote = new org.apache.flink.core.fs.Path(uri);
    FileSystem files = remote.getFileSystem();
    if (files.getUri().getScheme().equals(LocalFileSystem.getLocalFsURI().getScheme())) {
      Path path = Path.of(remote.getPath()).toAbsolutePath();
      if (!Files.isReadable(path)) {
        throw new IOException(
            "Cannot read " + uri + ": there is no such file on this machine (" + path + ")");
      }
      return path;
    }
    return fetchOnce(remote, files);
  }

  private Path fetchOnce(org.apache.flink.core.fs.Path remote, FileSystem files)
      throws IOException {
    FileStatus status = files.getFileStatus(remote);
    Version version = new Version(remote.toUri(), status.getLen(), status.getModificationTime());
    try {
      return fetched.computeIfAbsent(version, wanted -> fetch(remote, files));
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  private static Path fetch(org.apache.flink.core.fs.Path remote, FileSystem files) {
    try (InputStream in = files.open(remote)) {
      Path folder = Files.createTempDirectory("arrow-tensor-files");
      Path target = folder.resolve(remote.getName());
      folder.toFile().deleteOnExit();
      target.toFile().deleteOnExit();
      Files.copy(in, target);
      return target;
    } catch (IOException e) {
      throw new UncheckedIOException(
          new IOException("Cannot fetch " + remote + ": " + e.getMessage(), e));
    }
  }
}
