package io.arrowtensor.internal;

import io.arrowtensor.InterchangeException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import org.jspecify.annotations.Nullable;

/**
 * Loads the library behind {@link Native}, once per class loader.
 *
 * <p>A virtual machine binds one file to one class loader, and Spark and Flink load this class in
 * several: so each loader extracts a file of its own from the jar and deletes it once it is loaded.
 * Two system properties change that: {@value #PATH_PROPERTY} names a file to load in place and
 * never falls back to the jar, {@value #FOLDER_PROPERTY} the folder to extract into (by default
 * {@code java.io.tmpdir}).
 */
public final class NativeLibrary {
  /** System property: the library file to load instead of the one in the jar. */
  public static final String PATH_PROPERTY = "io.arrowtensor.native.path";

  /** System property: the folder that the library is extracted into. */
  public static final String FOLDER_PROPERTY = "io.arrowtensor.native.tmpdir";

  @SuppressWarnings("StaticAssignmentOfThrowable") // the cause of each later failure
  private static final @Nullable InterchangeException FAILURE = tryLoad();

  private NativeLibrary() {}

  /**
   * Returns if the library is loaded. Any thread, any number of times.
   *
   * @throws InterchangeException if it could not be: what was tried, why it failed, what to do
   */
  public static void require() {
    if (FAILURE != null) {
      throw new InterchangeException(String.valueOf(FAILURE.getMessage()), FAILURE);
    }
  }

  /** Initialises this class, which loads the library; a failure is kept for {@link #require()}. */
  static void load() {}

  // Not thrown here: a class whose initialiser failed is lost for good, and each later use reports
  // a NoClassDefFoundError that does not say why.
  private static @Nullable InterchangeException tryLoad() {
    try {
      String path = System.getProperty(PATH_PROPERTY);
      if (path != null) {
        loadInPlace(Path.of(path));
      } else {
        String os = System.getProperty("os.name", "");
        NativeTarget target = NativeTarget.of(os, System.getProperty("os.arch", ""));
        String folder = System.getProperty(FOLDER_PROPERTY, System.getProperty("java.io.tmpdir"));
        loadExtracted(target, Path.of(folder));
      }
      return null;
    } catch (InterchangeException e) {
      return e;
    } catch (RuntimeException | LinkageError e) {
      return new InterchangeException("Cannot load the native library: " + e, e);
    }
  }

  private static void loadInPlace(Path file) {
    try {
      System.load(file.toAbsolutePath().toString());
    } catch (UnsatisfiedLinkError e) {
      throw new InterchangeException(
          "Cannot load the native library named by -D%s=%s: %s. Correct the path, or remove the property to use the library in the jar"
              .formatted(PATH_PROPERTY, file, e.getMessage()),
          e);
    }
  }

  private static void loadExtracted(NativeTarget target, Path folder) {
    Path file = extract(target, folder);
    try {
      System.load(file.toString());
    } catch (UnsatisfiedLinkError e) {
      throw new InterchangeException(
          "Cannot load the native library for %s from %s: %s. If that folder is mounted noexec, name another with -D%s=FOLDER; if the system lacks what the library needs, name a library built for it with -D%s=FILE"
              .formatted(target, file, e.getMessage(), FOLDER_PROPERTY, PATH_PROPERTY),
          e);
    } finally {
      delete(file);
    }
  }

  private static Path extract(NativeTarget target, Path folder) {
    Path file = null;
    try (InputStream library = NativeLibrary.class.getResourceAsStream(target.resource())) {
      if (library == null) {
        throw new InterchangeException(
            "Cannot find a native library for %s: %s is not in the jar. Name a library built for this system with -D%s=FILE"
                .formatted(target, target.resource(), PATH_PROPERTY));
      }
      file = Files.createTempFile(folder.toAbsolutePath(), "libarrowtensor-", ".so");
      Files.copy(library, file, StandardCopyOption.REPLACE_EXISTING);
      return file;
    } catch (IOException e) {
      if (file != null) {
        delete(file);
      }
      throw new InterchangeException(
          "Cannot write the native library for %s to the folder %s: %s. Name a writable folder with -D%s=FOLDER"
              .formatted(target, folder, e, FOLDER_PROPERTY),
          e);
    }
  }

  // The mapping keeps a loaded library alive. Where a file in use cannot be deleted it stays
  // behind.
  private static void delete(Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      file.toFile().deleteOnExit();
    }
  }
}
