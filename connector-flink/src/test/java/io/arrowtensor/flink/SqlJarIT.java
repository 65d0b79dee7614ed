package io.arrowtensor.flink;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Predicate;
import java.util.jar.JarFile;
import java.util.zip.ZipEntry;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The jar for {@code ADD JAR} and {@code lib/}, as it was packed. */
@Timeout(300)
class SqlJarIT {
  private static final Path JAR = Path.of(System.getProperty("sql.jar"));

  private static List<String> entries() throws IOException {
    try (JarFile jar = new JarFile(JAR.toFile())) {
      return jar.stream().map(ZipEntry::getName).toList();
    }
  }

  private static String text(String entry) throws IOException {
    try (JarFile jar = new JarFile(JAR.toFile())) {
      byte[] bytes = jar.getInputStream(jar.getEntry(entry)).readAllBytes();
      return new String(bytes, StandardCharsets.UTF_8);
    }
  }

  @Test
  void itHasWhatIsNeededBesideFlinkUnderItsOwnName() throws IOException {
    assertThat(entries())
        .contains(
            "io/arrowtensor/flink/TensorModelFactory.class",
            "io/arrowtensor/engine/OnnxFunction.class",
            "org/apache/arrow/vector/FieldVector.class",
            "org/apache/arrow/memory/RootAllocator.class",
            "org/apache/arrow/memory/netty/DefaultAllocationManagerFactory.class",
            "io/netty/buffer/PooledByteBufAllocatorL.class",
            "com/google/flatbuffers/FlatBufferBuilder.class");
  }

  @Test
  void itHasNothingThatFlinkBringsAndNoEngine() throws IOException {
    assertThat(entries())
        .noneMatch(name -> name.startsWith("org/apache/flink/"))
        .noneMatch(name -> name.startsWith("org/slf4j/"))
        .noneMatch(name -> name.startsWith("ai/onnxruntime/"))
        .noneMatch(name -> name.matches("META-INF/[^/]*\\.(SF|DSA|RSA)"))
        .noneMatch(name -> name.endsWith("module-info.class"));
  }

  @Test
  void servicesAreMerged() throws IOException {
    assertThat(text("META-INF/services/org.apache.flink.table.factories.Factory"))
        .contains("io.arrowtensor.flink.TensorModelFactory");
    assertThat(text("META-INF/services/io.arrowtensor.internal.DeviceBackend"))
        .contains("CudaBackend")
        .contains("OpenClBackend");
    assertThat(entries()).doesNotHaveDuplicates();
  }

  @Test
  void licencesAreKept() throws IOException {
    assertThat(text("META-INF/LICENSE")).contains("Apache License");
    assertThat(text("META-INF/NOTICE")).contains("Arrow").contains("Jackson");
  }

  private record Ended(int status, String output) {}

  /**
   * Runs {@link AddJarJob} with Flink and the entries of this class path that {@code also} keeps.
   */
  private static Ended run(Predicate<String> also, List<String> more, String... arguments)
      throws Exception {
    List<String> classPath = new ArrayList<>(more);
    for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
      String name = new File(entry).getName();
      boolean ours = entry.matches(".*/connector-(core|flink)/target/(classes|[^/]*[.]jar)");
      boolean bundled = name.matches("(arrow|netty|jackson|flatbuffers|commons-codec)-.*");
      boolean engine = name.startsWith("onnxruntime");
      if (!ours && !bundled && (!engine || also.test(name))) {
        classPath.add(entry);
      }
    }
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+IgnoreUnrecognizedVMOptions",
                "--sun-misc-unsafe-memory-access=allow",
                "--enable-native-access=ALL-UNNAMED",
                "--add-opens=java.base/java.nio=ALL-UNNAMED",
                "-cp",
                String.join(File.pathSeparator, classPath),
                AddJarJob.class.getName(),
                Models.uri("add.onnx")));
    command.addAll(Arrays.asList(arguments));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Ended(process.waitFor(), output);
  }

  @Test
  @SinceFlink(value = "2.1", feature = "ML_PREDICT")
  void addJarBringsTheProviderAndTheTasksScore() throws Exception {
    Ended ended = run(engine -> true, List.of(), JAR.toString());
    assertThat(ended.output()).contains("scored +I[3.5]");
    assertThat(ended.status()).as(ended.output()).isZero();
  }

  @Test
  @SinceFlink(value = "2.1", feature = "ML_PREDICT")
  void onTheClassPathAsInLibItIsFoundWithoutAStatement() throws Exception {
    Ended ended = run(engine -> true, List.of(JAR.toString()));
    assertThat(ended.output()).contains("scored +I[3.5]");
    assertThat(ended.status()).as(ended.output()).isZero();
  }

  @Test
  @SinceFlink(value = "2.1", feature = "ML_PREDICT")
  void withoutOnnxRuntimeTheQueryIsRefusedWithTheRemedy() throws Exception {
    Ended ended = run(engine -> false, List.of(), JAR.toString());
    assertThat(ended.output())
        .contains("ONNX Runtime is not on the class path; add com.microsoft.onnxruntime")
        .doesNotContain("scored");
    assertThat(ended.status()).isNotZero();
  }
}
