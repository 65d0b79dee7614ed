package io.arrowtensor.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Isolated;

@Isolated("sets system properties")
class NativeLibraryTest {
  private final Map<String, String> before = new HashMap<>();

  @TempDir private Path folder;

  @AfterEach
  void restoreProperties() {
    before.forEach(
        (name, value) -> {
          if (value == null) {
            System.clearProperty(name);
          } else {
            System.setProperty(name, value);
          }
        });
  }

  @Test
  void extractedFileIsGoneOnceLoaded() throws Exception {
    set(NativeLibrary.FOLDER_PROPERTY, folder.toString());
    require(new IsolatedLoader());
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files).isEmpty();
    }
  }

  @Test
  void eachClassLoaderLoadsItsOwnCopy() throws Exception {
    require(new IsolatedLoader());
    require(new IsolatedLoader());
  }

  @Test
  void overrideIsLoadedInPlaceAndStays() throws Exception {
    Path file = folder.resolve("mine.so");
    NativeTarget target =
        NativeTarget.of(System.getProperty("os.name"), System.getProperty("os.arch"));
    Files.copy(NativeLibrary.class.getResourceAsStream(target.resource()), file);
    set(NativeLibrary.PATH_PROPERTY, file.toString());
    require(new IsolatedLoader(resource -> resource.contains("native")));
    assertThat(file).exists();
  }

  @Test
  void overrideThatIsMissingNeverFallsBack() {
    Path file = folder.resolve("absent.so");
    set(NativeLibrary.PATH_PROPERTY, file.toString());
    assertFailure(new IsolatedLoader())
        .hasMessageContaining("-Dio.arrowtensor.native.path=" + file)
        .hasMessageContaining("remove the property");
  }

  @Test
  void overrideThatIsNoLibraryNeverFallsBack() throws IOException {
    Path file = Files.writeString(folder.resolve("text.so"), "not a library");
    set(NativeLibrary.PATH_PROPERTY, file.toString());
    assertFailure(new IsolatedLoader()).hasMessageContaining(file.toString());
  }

  @Test
  void libraryThatIsNotInTheJarIsNamed() {
    assertFailure(new IsolatedLoader(resource -> resource.contains("native/")))
        .hasMessageContaining("/io/arrowtensor/native/")
        .hasMessageContaining("is not in the jar")
        .hasMessageContaining("-Dio.arrowtensor.native.path=FILE");
  }

  @Test
  void unknownProcessorIsNamed() {
    set("os.arch", "pdp11");
    assertFailure(new IsolatedLoader()).hasMessageContaining("os.arch=pdp11");
  }

  @Test
  void folderThatCannotBeWrittenIsNamedWithTheRemedy() {
    Path absent = folder.resolve("absent");
    set(NativeLibrary.FOLDER_PROPERTY, absent.toString());
    assertFailure(new IsolatedLoader())
        .hasMessageContaining("to the folder " + absent)
        .hasMessageContaining("-Dio.arrowtensor.native.tmpdir=FOLDER");
  }

  @Test
  void folderMountedNoexecIsNamedWithTheRemedy() throws IOException {
    Optional<Path> noexec = writableNoexecFolder();
    assumeThat(noexec).as("a writable folder that is mounted noexec").isPresent();
    set(NativeLibrary.FOLDER_PROPERTY, noexec.get().toString());
    assertFailure(new IsolatedLoader())
        .hasMessageContaining(noexec.get().toString())
        .hasMessageContaining("mounted noexec")
        .hasMessageContaining("-Dio.arrowtensor.native.tmpdir=FOLDER");
  }

  @Test
  void failureIsKeptForEachLaterCall() {
    set(NativeLibrary.PATH_PROPERTY, folder.resolve("absent.so").toString());
    IsolatedLoader loader = new IsolatedLoader();
    assertFailure(loader).hasMessageContaining("absent.so");
    assertFailure(loader).hasMessageContaining("absent.so");
    assertThatThrownBy(() -> loader.call(NativeLibraryTest.class, "useWithoutRequire"))
        .isInstanceOf(InvocationTargetException.class)
        .hasCauseInstanceOf(UnsatisfiedLinkError.class);
  }

  /** Runs in an isolated loader. */
  static long useWithoutRequire() {
    return Native.callback(0);
  }

  private static void require(IsolatedLoader loader) throws ReflectiveOperationException {
    loader.call(NativeLibrary.class, "require");
    assertThat((long) loader.call(NativeLibraryTest.class, "useWithoutRequire")).isNotZero();
  }

  private static AbstractThrowableAssert<?, ? extends Throwable> assertFailure(
      IsolatedLoader loader) {
    return assertThatThrownBy(() -> loader.call(NativeLibrary.class, "require"))
        .isInstanceOf(InvocationTargetException.class)
        .cause()
        .satisfies(
            cause ->
                assertThat(cause.getClass().getName())
                    .isEqualTo("io.arrowtensor.InterchangeException"));
  }

  private static Optional<Path> writableNoexecFolder() throws IOException {
    Path mounts = Path.of("/proc/self/mounts");
    if (!Files.exists(mounts)) {
      return Optional.empty();
    }
    return Files.readAllLines(mounts).stream()
        .map(line -> List.of(line.split(" ")))
        .filter(mount -> List.of(mount.get(3).split(",")).containsAll(List.of("noexec", "rw")))
        .filter(mount -> mount.get(2).equals("tmpfs"))
        .map(mount -> Path.of(mount.get(1)))
        .filter(Files::isWritable)
        .findFirst();
  }

  private void set(String name, String value) {
    before.putIfAbsent(name, System.getProperty(name));
    System.setProperty(name, value);
  }
}
