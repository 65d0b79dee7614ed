package io.arrowtensor.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.BatchSchema;
import io.arrowtensor.BatchSchema.Column;
import io.arrowtensor.DType;
import io.arrowtensor.FileAccess;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.OwnedBatch;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A worker scores with the bytes that the driver checked, or not at all. */
class ModelFilesTest {
  private static final String MODEL = "external_weights.onnx";
  private static final String WEIGHTS = "external_weights.bin";
  private static final Column X = Column.tensor("x", DType.FLOAT32, 8L);

  @TempDir private Path folder;

  private Path copy(String name) {
    try {
      return Files.copy(Path.of(ScoringTask.model(name)), folder.resolve(name));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private OnnxFunction functionOfTheCopy() {
    copy(WEIGHTS);
    OnnxFunction function = OnnxFunction.of(copy(MODEL).toUri());
    function.resultSchema(BatchSchema.of(X), FileAccess.LOCAL);
    return function;
  }

  private static double[] score(OnnxFunction function, ScoringTask task) {
    double[] values = {1, 2, 3, 4, 5, 6, 7, 8};
    try (OwnedBatch batch = OwnedBatch.of(task.column("x", DType.FLOAT32, values, 8));
        OwnedBatch result = function.apply(batch)) {
      return Scored.numbers(result.column("y"));
    }
  }

  @Test
  void weightsBesideTheModelAreFound() throws IOException {
    assertThat(ExternalWeights.locations(Path.of(ScoringTask.model(MODEL))))
        .containsExactly(WEIGHTS);
    assertThat(ExternalWeights.locations(Path.of(ScoringTask.model("add.onnx")))).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {MODEL, WEIGHTS})
  void fileThatChangedSinceTheDriverReadItIsRefused(String changed) throws IOException {
    OnnxFunction function = functionOfTheCopy();
    Path file = folder.resolve(changed);
    byte[] bytes = Files.readAllBytes(file);
    bytes[bytes.length - 1] ^= 1;
    Files.write(file, bytes);
    try (ScoringTask task = new ScoringTask()) {
      assertThatThrownBy(() -> function.open(task))
          .isInstanceOf(InterchangeException.class)
          .hasMessageContaining(changed)
          .hasMessageContaining("the driver read " + bytes.length + " bytes with SHA-256 ")
          .hasMessageContaining("this worker " + bytes.length + " bytes with SHA-256 ")
          .hasMessageContaining("plan the job again");
    }
    assertThat(SharedSession.openSessions()).isZero();
  }

  @Test
  void filesThatAreTheSameElsewhereAreUsed() {
    OnnxFunction function = functionOfTheCopy();
    try (ScoringTask task = new ScoringTask()) {
      function.open(task);
      assertThat(score(function, task)).hasSize(8);
      function.close();
    }
  }

  @Test
  void modelsLoadedFromDifferentFoldersArelaidOutTogether(@TempDir Path other) throws IOException {
    OnnxFunction function = functionOfTheCopy();
    FileAccess scattered = uri -> scatter(uri, other);
    OnnxFunction remote = OnnxFunction.of(URI.create("store:/models/" + MODEL));
    assertThat(remote.resultSchema(BatchSchema.of(X), scattered).columns()).hasSize(1);
    Path laidOut;
    try (ScoringTask task = new ScoringTask();
        LocalModel local = LocalModel.fetch(remote.model(), scattered)) {
      laidOut = local.path();
      function.open(task);
      double[] expected = score(function, task);
      function.close();
      assertThat(laidOut.resolveSibling(WEIGHTS)).exists();
      OnnxFunction staged = OnnxFunction.of(laidOut.toUri());
      staged.open(task);
      assertThat(score(staged, task)).containsExactly(expected);
      staged.close();
    }
    assertThat(laidOut.getParent()).as("the layout after close()").doesNotExist();
  }

  /** As a store does that keeps what it fetched under names of its own. */
  private Path scatter(URI uri, Path other) throws IOException {
    String name = Path.of(uri.getPath()).getFileName().toString();
    Path target = Files.createDirectories(other.resolve(name + ".d")).resolve("fetched");
    if (!Files.exists(target)) {
      Files.copy(folder.resolve(name), target);
    }
    return target;
  }

  @Test
  void missingWeightsAreNamed() throws IOException {
    copy(MODEL);
    OnnxFunction function = OnnxFunction.of(folder.resolve(MODEL).toUri());
    assertThatThrownBy(() -> function.resultSchema(BatchSchema.of(X), FileAccess.LOCAL))
        .isInstanceOf(InterchangeException.class)
        .hasMessageContaining("there is no file " + folder.resolve(WEIGHTS));
  }

  @ParameterizedTest
  @ValueSource(strings = {"../../../etc/weights", "/etc/absolute.weight"})
  void weightsOutsideOfTheModelsFolderAreRefused(String location) throws IOException {
    byte[] model = Files.readAllBytes(Path.of(ScoringTask.model(MODEL)));
    Path hostile = Files.write(folder.resolve("m.onnx"), replaced(model, WEIGHTS, location));
    OnnxFunction function = OnnxFunction.of(hostile.toUri());
    assertThatThrownBy(() -> function.resultSchema(BatchSchema.of(X), FileAccess.LOCAL))
        .isInstanceOf(InterchangeException.class)
        .hasMessageContaining(location)
        .hasMessageContaining("not inside of the model's folder");
  }

  /** Texts of the same number of bytes, so that no length in the file changes. */
  private static byte[] replaced(byte[] bytes, String from, String to) {
    assertThat(to).hasSameSizeAs(from);
    return new String(bytes, StandardCharsets.ISO_8859_1)
        .replace(from, to)
        .getBytes(StandardCharsets.ISO_8859_1);
  }

  static Stream<String> damaged() {
    return Stream.of("3a80808080", "3affffffff0f", "0f", "3a0208", "0affffffffffffffffff7f");
  }

  @ParameterizedTest
  @MethodSource("damaged")
  void damagedFileIsNoModel(String hex) throws IOException {
    Path file = Files.write(folder.resolve("damaged"), HexFormat.of().parseHex(hex));
    assertThatThrownBy(() -> ExternalWeights.locations(file))
        .isInstanceOf(IOException.class)
        .hasMessage("it is no ONNX model, or not all of one");
  }

  @Test
  void everyTruncationOfAModelIsReadToItsEndOrRefused() throws IOException {
    byte[] model = Files.readAllBytes(Path.of(ScoringTask.model(MODEL)));
    int refused = 0;
    for (int length = 0; length < model.length; length++) {
      Path file = Files.write(folder.resolve("cut"), Arrays.copyOf(model, length));
      try {
        assertThat(List.of(WEIGHTS)).containsAll(ExternalWeights.locations(file));
      } catch (IOException e) {
        refused++;
      }
    }
    assertThat(refused)
        .as("truncations refused of %d", model.length)
        .isGreaterThan(model.length / 2);
  }
}
