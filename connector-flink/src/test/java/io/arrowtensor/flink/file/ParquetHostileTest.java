package io.arrowtensor.flink.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.InterchangeException;
import io.arrowtensor.UnsupportedTypeException;
import io.arrowtensor.flink.NothingHeld;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.apache.parquet.column.ParquetProperties.WriterVersion;
import org.apache.parquet.format.FileMetaData;
import org.apache.parquet.format.Util;
import org.apache.parquet.hadoop.example.ExampleParquetWriter;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.io.LocalOutputFile;
import org.apache.parquet.schema.MessageTypeParser;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Parquet files and columns that cannot be read give an error that names them. */
@ExtendWith(NothingHeld.class)
class ParquetHostileTest {
  private static final int FLIPS = 300;

  @TempDir Path folder;

  private Path written(boolean dictionary, CompressionCodecName codec) throws Exception {
    return written(dictionary, WriterVersion.PARQUET_1_0, codec);
  }

  private Path written(boolean dictionary, WriterVersion version, CompressionCodecName codec)
      throws Exception {
    Path file = folder.resolve("good.parquet");
    new ParquetFixture(dictionary, version, codec, 40, 20, 30, 4).write(file, 60, new Random(1));
    return file;
  }

  /** Reads all rows that {@code bytes} state; what is wrong with them is named. */
  private boolean isRead(byte[] bytes, String... columns) throws Exception {
    Path file = folder.resolve("changed.parquet");
    Files.write(file, bytes);
    try {
      var batches =
          IpcReadTest.read(
              ParquetFiles.read(IpcReadTest.path(file), columns), file, 0, bytes.length);
      StatedRows.assertAreRead(StatedRows.ofParquet(bytes), batches);
      return true;
    } catch (InterchangeException | IOException e) {
      assertThat(e).hasMessageStartingWith("Cannot read file:" + file);
      return false;
    }
  }

  @ParameterizedTest
  @CsvSource({
    "true, PARQUET_1_0, UNCOMPRESSED",
    "false, PARQUET_1_0, UNCOMPRESSED",
    "true, PARQUET_1_0, ZSTD",
    "true, PARQUET_2_0, UNCOMPRESSED",
    "false, PARQUET_2_0, UNCOMPRESSED"
  })
  void changedBytesAreRefusedOrGiveTheRowsThatTheFileStates(
      boolean dictionary, WriterVersion version, CompressionCodecName codec) throws Exception {
    byte[] bytes = Files.readAllBytes(written(dictionary, version, codec));
    boolean deltas = version == WriterVersion.PARQUET_2_0 && !dictionary; // so is text
    String[] columns = deltas ? ParquetFixture.names(true) : ParquetFixture.names(false);
    long seed = Long.getLong("seed", System.nanoTime());
    System.out.println("-Dseed=" + seed + ": " + FLIPS + " changed bytes");
    Random random = new Random(seed);
    int refused = 0;
    for (int i = 0; i < FLIPS; i++) {
      byte[] changed = bytes.clone();
      changed[StatedRows.somewhere(bytes, 4000, random)] = (byte) random.nextInt();
      refused += isRead(changed, columns) ? 0 : 1;
    }
    assertThat(refused).as("files refused").isPositive();
  }

  /** The middle of a row group, by which files are split, is made of what its footer says. */
  @ParameterizedTest
  @ValueSource(longs = {Long.MIN_VALUE, -100_000, 100_000, Long.MAX_VALUE})
  void aRowGroupThatNoSplitWouldHaveIsReadAndNotLost(long size) throws Exception {
    Path file = folder.resolve("lost.parquet");
    NumberedRows.writeParquet(file, 0, 60, 20);
    List<List<List<Object>>> before = read(file, 1);
    byte[] bytes = Files.readAllBytes(file);
    FileMetaData footer = StatedRows.footer(bytes);
    footer.getRow_groups().get(1).setTotal_compressed_size(size);
    ByteArrayOutputStream written = new ByteArrayOutputStream();
    written.write(bytes);
    Util.writeFileMetaData(footer, written);
    ByteBuffer tail = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
    tail.putInt(written.size() - bytes.length).put("PAR1".getBytes(StandardCharsets.US_ASCII));
    written.write(tail.array());
    Files.write(file, written.toByteArray());
    for (int splits : new int[] {1, 2, 5}) {
      assertThat(read(file, splits))
          .as("batches of %s splits", splits)
          .hasSize(3)
          .containsExactlyInAnyOrderElementsOf(before);
    }
  }

  private static List<List<List<Object>>> read(Path file, int splits) throws Exception {
    List<List<List<Object>>> read = new ArrayList<>();
    long length = Files.size(file);
    for (int split = 0; split < splits; split++) {
      long start = length * split / splits;
      long end = length * (split + 1) / splits;
      read.addAll(
          IpcReadTest.read(ParquetFiles.read(IpcReadTest.path(file)), file, start, end - start));
    }
    return read;
  }

  @Test
  void filesThatAreCutOffAreRefused() throws Exception {
    byte[] bytes = Files.readAllBytes(written(true, CompressionCodecName.UNCOMPRESSED));
    for (int length = 0; length < bytes.length; length += 1 + length / 20) {
      assertThat(isRead(Arrays.copyOf(bytes, length))).as("%s bytes", length).isFalse();
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "required fixed_len_byte_array(16) x| its values are FIXED_LEN_BYTE_ARRAY",
        "required int96 x| its values are INT96",
        "required int32 x (DECIMAL(5,2))| its integers stand for DECIMAL(5,2)",
        "required binary x (DECIMAL(30,2))| its bytes stand for DECIMAL(30,2)",
        "repeated int32 x| it is nested",
        "optional group x (LIST) { repeated group list { optional float element; } }| it is nested",
      })
  void columnsThatArraysCannotHoldAreNamedWhenTheJobIsBuilt(String type, String why)
      throws Exception {
    Path file = folder.resolve("other.parquet");
    String end = type.endsWith("}") ? " " : "; ";
    var schema =
        MessageTypeParser.parseMessageType(
            "message m { required int32 i; " + type.strip() + end + "}");
    ExampleParquetWriter.builder(new LocalOutputFile(file)).withType(schema).build().close();
    assertThatThrownBy(() -> ParquetFiles.read(IpcReadTest.path(file)))
        .isInstanceOf(InterchangeException.class)
        .hasCauseInstanceOf(UnsupportedTypeException.class)
        .hasMessageStartingWith(
            "Cannot read "
                + IpcReadTest.path(file)
                + ": its column 'x' cannot be read as an array: "
                + why.strip())
        .hasMessageEndingWith("leave it out, or write it as numbers, text or bytes");
    assertThat(ParquetFiles.schema(IpcReadTest.path(file), "i").columns())
        .extracting(Object::toString)
        .containsExactly("i: int32");
  }

  @Test
  void otherEncodingsAreNamedWhenTheJobIsBuilt() throws Exception {
    Path file = folder.resolve("delta.parquet");
    new ParquetFixture(
            false, WriterVersion.PARQUET_2_0, CompressionCodecName.UNCOMPRESSED, 40, 20, 30, 4)
        .write(file, 60, new Random(1));
    assertThatThrownBy(() -> ParquetFiles.read(IpcReadTest.path(file), "text"))
        .isInstanceOf(InterchangeException.class)
        .hasMessageContaining("its column 'text' is encoded as [DELTA_BYTE_ARRAY]; columns of its")
        .hasMessageEndingWith(
            "type are read if they are [PLAIN, PLAIN_DICTIONARY, RLE_DICTIONARY], so write it as one"
                + " of these, or leave it out");
    assertThatThrownBy(
            () ->
                ParquetFiles.read(
                    IpcReadTest.path(written(true, CompressionCodecName.ZSTD)), "speed"))
        .hasMessageContaining("it has no column 'speed': its columns are [id, flag, ");
  }
}
