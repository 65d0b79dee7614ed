package io.arrowtensor.flink.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.BatchSchema;
import io.arrowtensor.BatchSchema.Column;
import io.arrowtensor.DType;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.InvalidStructException;
import io.arrowtensor.flink.NothingHeld;
import java.nio.channels.Channels;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.compression.CompressionUtil.CodecType;
import org.apache.arrow.vector.ipc.ArrowStreamWriter;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Files that are not what they should be give an error that names them, and nothing is held. */
@ExtendWith(NothingHeld.class)
class IpcHostileTest {
  private static final int FLIPS = 500;

  @TempDir Path folder;

  private Path written(CodecType codec) throws Exception {
    Path file = folder.resolve("good.arrow");
    try (BufferAllocator allocator = new RootAllocator()) {
      IpcFixture.write(
          file, codec, IpcFixture.rows(IpcFixture.schema(), 40, 3, new Random(1), allocator));
    }
    return file;
  }

  private Path withDictionaries() throws Exception {
    Path file = folder.resolve("words.arrow");
    try (BufferAllocator allocator = new RootAllocator()) {
      IpcFixture.writeWithDictionaries(
          file, 40, true, false, new ArrowType.Int(8, true), allocator);
    }
    return file;
  }

  /** Reads all rows that {@code bytes} state; what is wrong with them is named. */
  private boolean isRead(byte[] bytes) throws Exception {
    Path file = folder.resolve("changed.arrow");
    Files.write(file, bytes);
    try {
      var batches =
          IpcReadTest.read(ArrowFiles.read(IpcReadTest.path(file)), file, 0, bytes.length);
      StatedRows.assertAreRead(StatedRows.ofArrow(bytes), batches);
      return true;
    } catch (InterchangeException e) {
      assertThat(e).hasMessageStartingWith("Cannot read file:" + file);
      return false;
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"NO_COMPRESSION", "ZSTD", "LZ4_FRAME", "dictionaries"})
  void changedBytesAreRefusedOrGiveTheRowsThatTheFileStates(String kind) throws Exception {
    Path good = kind.equals("dictionaries") ? withDictionaries() : written(CodecType.valueOf(kind));
    byte[] bytes = Files.readAllBytes(good);
    long seed = Long.getLong("seed", System.nanoTime());
    System.out.println("-Dseed=" + seed + ": " + FLIPS + " changed bytes of " + kind);
    Random random = new Random(seed);
    int refused = 0;
    for (int i = 0; i < FLIPS; i++) {
      byte[] changed = bytes.clone();
      for (int n = 1 + random.nextInt(2); n > 0; n--) {
        changed[StatedRows.somewhere(bytes, 2000, random)] = (byte) random.nextInt();
      }
      refused += isRead(changed) ? 0 : 1;
    }
    assertThat(refused).as("files refused").isPositive();
  }

  @Test
  void filesThatAreCutOffAreRefused() throws Exception {
    byte[] bytes = Files.readAllBytes(written(CodecType.NO_COMPRESSION));
    for (int length = 0; length < bytes.length; length += 1 + length / 50) {
      assertThat(isRead(Arrays.copyOf(bytes, length))).as("%s bytes", length).isFalse();
    }
  }

  @Test
  void whatIsNoArrowFileIsNamed() throws Exception {
    Path text = Files.writeString(folder.resolve("text.arrow"), "no Arrow, but long enough a text");
    assertThatThrownBy(() -> ArrowFiles.read(IpcReadTest.path(text)))
        .isInstanceOf(InvalidStructException.class)
        .hasMessage(
            "Cannot read "
                + IpcReadTest.path(text)
                + ": it does not begin and end as a complete Arrow IPC file does; write it anew, or"
                + " leave it out");
    assertThatThrownBy(
            () -> ArrowFiles.read(IpcReadTest.path(Files.createDirectory(folder.resolve("none")))))
        .hasMessageContaining("the folder has no files; name one, or give the schema");
  }

  @Test
  void aStreamIsRefusedWithTheFormatToWrite() throws Exception {
    Path file = folder.resolve("stream.arrows");
    try (BufferAllocator allocator = new RootAllocator();
        VectorSchemaRoot root =
            IpcFixture.rows(IpcFixture.schema(), 5, 0, new Random(1), allocator);
        var out = Channels.newChannel(Files.newOutputStream(file));
        ArrowStreamWriter writer = new ArrowStreamWriter(root, null, out)) {
      writer.writeBatch();
    }
    assertThatThrownBy(() -> ArrowFiles.read(IpcReadTest.path(file)))
        .hasMessageContaining("it holds an Arrow stream")
        .hasMessageContaining("write the file format");
  }

  @Test
  void columnsThatAreNotThereOrOfAnotherTypeAreNamed() throws Exception {
    Path file = written(CodecType.NO_COMPRESSION);
    assertThatThrownBy(() -> ArrowFiles.read(IpcReadTest.path(file), "f32", "speed"))
        .isInstanceOf(InterchangeException.class)
        .hasMessageStartingWith(
            "Cannot read " + IpcReadTest.path(file) + ": it has no column 'speed'")
        .hasMessageContaining("its columns are [bool, bytes, ");
    for (Column other :
        new Column[] {
          Column.scalar("f32", DType.FLOAT64).withNullable(true),
          Column.scalar("f32", DType.FLOAT32)
        }) {
      assertThatThrownBy(
              () ->
                  IpcReadTest.read(
                      ArrowFiles.read(BatchSchema.of(other)), file, 0, Files.size(file)))
          .isInstanceOf(InterchangeException.class)
          .hasMessage(
              "Cannot read "
                  + IpcReadTest.path(file)
                  + ": its column 'f32: float32 nullable' does not fit the job, which was built for '"
                  + other
                  + "'; read the files of one schema in a source of their own");
    }
  }
}
