package io.arrowtensor.engine;

import io.arrowtensor.FileAccess;
import io.arrowtensor.InterchangeException;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A model and its weights files on this machine, laid out as ONNX Runtime reads them: weights
 * beside the model. Closing removes what was laid out; the fetched files stay.
 */
final class LocalModel implements AutoCloseable {
  private final Path path;
  private final Fingerprint fingerprint;
  private final @Nullable Path staged;

  private LocalModel(Path path, Fingerprint fingerprint, @Nullable Path staged) {
    this.path = path;
    this.fingerprint = fingerprint;
    this.staged = staged;
  }

  /**
   * Fetches the files and takes their fingerprint.
   *
   * @throws InterchangeException naming the file that cannot be read
   */
  static LocalModel fetch(URI model, FileAccess files) {
    try {
      Path path = readable(files.localCopy(model));
      List<Fingerprint.Entry> entries = new ArrayList<>();
      entries.add(Fingerprint.Entry.of("", path));
      Map<String, Path> weights = new LinkedHashMap<>();
      for (String location : ExternalWeights.locations(path)) {
        Path file = readable(files.localCopy(sibling(model, location)));
        weights.put(location, file);
        entries.add(Fingerprint.Entry.of(location, file));
      }
      Fingerprint fingerprint = new Fingerprint(entries);
      if (weights.entrySet().stream().allMatch(e -> isBeside(path, e.getKey(), e.getValue()))) {
        return new LocalModel(path, fingerprint, null);
      }
      Path folder = Files.createTempDirectory("arrowtensor-model");
      LocalModel local = new LocalModel(folder.resolve("model.onnx"), fingerprint, folder);
      local.stage(path, weights);
      return local;
    } catch (IOException | IllegalArgumentException e) {
      throw new InterchangeException(
          "Cannot read model "
              + model
              + ": "
              + (e.getMessage() == null ? e : e.getMessage())
              + "; check the URI and that the file is a complete ONNX model",
          e);
    }
  }

  private static Path readable(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new IOException(
          Files.isDirectory(file) ? file + " is a folder" : "there is no file " + file);
    }
    return file;
  }

  private static URI sibling(URI model, String location) throws IOException {
    Path relative = Path.of(location);
    if (location.isEmpty() || relative.isAbsolute() || relative.normalize().startsWith("..")) {
      throw new IOException(
          "its weights lie in '" + location + "', which is not inside of the model's folder");
    }
    try {
      return model.resolve(new URI(null, null, location, null));
    } catch (URISyntaxException e) {
      throw new IOException("its weights lie in '" + location + "', which is no file name", e);
    }
  }

  private static boolean isBeside(Path model, String location, Path file) {
    return model.resolveSibling(location).normalize().equals(file.normalize());
  }

  private void stage(Path model, Map<String, Path> weights) throws IOException {
    try {
      place(model, path);
      for (Map.Entry<String, Path> file : weights.entrySet()) {
        place(file.getValue(), path.resolveSibling(file.getKey()));
      }
    } catch (IOException | RuntimeException e) {
      close();
      throw e;
    }
  }

  /** ONNX Runtime refuses weights behind symbolic links that lead out of the model's folder. */
  private static void place(Path from, Path to) throws IOException {
    Files.createDirectories(to.getParent());
    try {
      Files.createLink(to, from);
    } catch (IOException | UnsupportedOperationException e) {
      Files.copy(from, to);
    }
  }

  /** What ONNX Runtime opens. */
  Path path() {
    return path;
  }

  Fingerprint fingerprint() {
    return fingerprint;
  }

  @Override
  public void close() {
    if (staged != null) {
      deleteTree(staged);
    }
  }

  private static void deleteTree(Path folder) {
    try (java.util.stream.Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(java.util.Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    } catch (IOException e) {
      System.getLogger(LocalModel.class.getName())
          .log(System.Logger.Level.WARNING, "Cannot delete " + folder, e);
    }
  }
}
