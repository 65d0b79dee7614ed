package io.arrowtensor.flink.file;

import static org.assertj.core.api.Assertions.assertThat;

import io.arrowtensor.CopyReason;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.flink.NothingHeld;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.file.src.FileSourceSplit;
import org.apache.flink.connector.file.src.reader.BulkFormat;
import org.apache.parquet.column.Encoding;
import org.apache.parquet.column.ParquetProperties.WriterVersion;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.io.LocalInputFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is read from Parquet files is what Parquet's own reader reads, row by row. */
@ExtendWith(NothingHeld.class)
class ParquetReadTest {
  private static final String[] ALL = ParquetFixture.names(false);

  @TempDir Path folder;

  private static BulkFormat<OwnedBatch, FileSourceSplit> format(
      Path file, int maxRows, String... columns) throws Exception {
    return ParquetFiles.read(ParquetFiles.schema(IpcReadTest.path(file), columns), maxRows);
  }

  /** In the lib folder of a cluster, they are those of all jobs. */
  @Test
  void hadoopsSettingsKeepNoClassLoaderOfAJob() throws Exception {
    Thread thread = Thread.currentThread();
    ClassLoader before = thread.getContextClassLoader();
    try (URLClassLoader job = new URLClassLoader(new URL[0], before)) {
      thread.setContextClassLoader(job);
      assertThat(ParquetFile.Settings.hadoop().getConfiguration().getClassLoader())
          .isSameAs(ParquetFileReader.class.getClassLoader());
    } finally {
      thread.setContextClassLoader(before);
    }
  }

  @ParameterizedTest
  @CsvSource({
    // rows, dictionary, version, codec, group, page, distinct, nullEvery, batch
    "0, true, PARQUET_1_0, UNCOMPRESSED, 100, 10, 5, 0, 8192",
    "1, true, PARQUET_1_0, UNCOMPRESSED, 100, 10, 5, 0, 8192",
    "1, false, PARQUET_1_0, UNCOMPRESSED, 100, 10, 5, 1, 8192",
    "1000, false, PARQUET_1_0, UNCOMPRESSED, 100000, 100, 1000, 0, 8192",
    "1000, false, PARQUET_1_0, ZSTD, 100000, 100, 1000, 3, 64",
    "1000, false, PARQUET_1_0, GZIP, 100000, 100, 1000, 1, 1000",
    "1000, true, PARQUET_1_0, ZSTD, 100000, 100, 20, 0, 333",
    "1000, true, PARQUET_1_0, UNCOMPRESSED, 100000, 70, 20, 4, 64",
    "3000, true, PARQUET_1_0, UNCOMPRESSED, 100000, 100, 100000, 4, 1000",
    "3000, true, PARQUET_1_0, UNCOMPRESSED, 100000, 1000, 400, 0, 250",
    "1000, true, PARQUET_1_0, UNCOMPRESSED, 100, 30, 20, 9, 1",
    "1000, true, PARQUET_1_0, UNCOMPRESSED, 130, 30, 20, 9, 40",
    "1000, true, PARQUET_2_0, UNCOMPRESSED, 130, 30, 20, 9, 40",
    "1000, true, PARQUET_2_0, ZSTD, 100000, 100, 20, 4, 333"
  })
  void everyTypeIsReadAsParquetReadsIt(
      int rows,
      boolean dictionary,
      WriterVersion version,
      CompressionCodecName codec,
      int groupRows,
      int pageRows,
      int distinct,
      int nullEvery,
      int maxRows)
      throws Exception {
    Path file = folder.resolve("all.parquet");
    new ParquetFixture(dictionary, version, codec, groupRows, pageRows, distinct, nullEvery)
        .write(file, rows, new Random(rows + distinct));
    List<List<List<Object>>> batches =
        IpcReadTest.read(format(file, maxRows), file, 0, Files.size(file));
    if (rows == 0) {
      assertThat(batches).isEmpty();
    } else {
      assertThat(Cells.joined(batches)).isEqualTo(ParquetFixture.read(file, ALL));
    }
    assertThat(batches).allSatisfy(b -> assertThat(b.get(0).size()).isBetween(1, maxRows));
  }

  @ParameterizedTest
  @CsvSource({
    "UNCOMPRESSED, 100000, 3000, 0, 8192",
    "ZSTD, 100000, 700, 3, 1000",
    "UNCOMPRESSED, 130, 7, 2, 40",
    "GZIP, 1000, 100, 1, 8192"
  })
  void deltasSplitBytesAndRunsAreReadAsParquetReadsThem(
      CompressionCodecName codec, int groupRows, int pageRows, int nullEvery, int maxRows)
      throws Exception {
    Path file = folder.resolve("v2.parquet");
    new ParquetFixture(
            false, WriterVersion.PARQUET_2_0, codec, groupRows, pageRows, 1 << 18, nullEvery)
        .write(file, 3000, new Random(groupRows));
    String[] names = ParquetFixture.names(true);
    assertThat(
            Cells.joined(IpcReadTest.read(format(file, maxRows, names), file, 0, Files.size(file))))
        .isEqualTo(ParquetFixture.read(file, names));
    try (ParquetFileReader reader = ParquetFileReader.open(new LocalInputFile(file))) {
      assertThat(reader.getRowGroups().get(0).getColumns())
          .filteredOn(column -> List.of(names).contains(column.getPath().toDotString()))
          .flatExtracting(column -> column.getEncodingStats().getDataEncodings())
          .containsOnly(Encoding.DELTA_BINARY_PACKED, Encoding.BYTE_STREAM_SPLIT, Encoding.RLE);
    }
  }

  @Test
  void chosenColumnsAreReadInTheirOrder() throws Exception {
    Path file = written(500, 1000);
    String[] names = {"text", "f32", "id"};
    assertThat(Cells.joined(IpcReadTest.read(format(file, 100, names), file, 0, Files.size(file))))
        .isEqualTo(ParquetFixture.read(file, names));
  }

  private Path written(int rows, int groupRows) throws Exception {
    Path file = folder.resolve("some.parquet");
    new ParquetFixture(
            true, WriterVersion.PARQUET_1_0, CompressionCodecName.ZSTD, groupRows, 50, 30, 5)
        .write(file, rows, new Random(7));
    return file;
  }

  @Test
  void eachRowIsReadOnceHoweverTheFileIsSplitOrTakenUpAgain() throws Exception {
    Path file = written(300, 130);
    List<List<Object>> expected = ParquetFixture.read(file, ALL);
    var format = format(file, 40);
    IpcReadTest.assertGoesOnBehindEachPosition(format, file);
    for (int parts : new int[] {1, 2, 3, 7}) {
      List<List<List<Object>>> read = new ArrayList<>();
      long length = Files.size(file);
      for (int part = 0; part < parts; part++) {
        long start = length * part / parts;
        read.addAll(IpcReadTest.read(format, file, start, length * (part + 1) / parts - start));
      }
      assertThat(Cells.joined(read)).as("%s splits", parts).isEqualTo(expected);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"flights.parquet", "flights-plain.parquet"})
  void theRepositorysFlightRecordsAreReadAsParquetReadsThem(String name) throws Exception {
    Path file =
        Path.of("../connector-spark/src/quickstart/data", name).toAbsolutePath().normalize();
    String[] columns = {"date", "delay", "distance", "origin", "destination"};
    assertThat(
            Cells.joined(IpcReadTest.read(format(file, 8192), file, 0, Files.size(file)))
                .equals(ParquetFixture.read(file, columns)))
        .as("all values of %s", name)
        .isTrue();
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void eachArrayTellsWhatItTook(boolean dictionary) throws Exception {
    Path file = folder.resolve("some.parquet");
    new ParquetFixture(
            dictionary, WriterVersion.PARQUET_1_0, CompressionCodecName.ZSTD, 1000, 50, 30, 5)
        .write(file, 300, new Random(7));
    FileSourceSplit split =
        new FileSourceSplit("s", IpcReadTest.path(file), 0, Files.size(file), 0, Files.size(file));
    try (var reader = format(file, 300).createReader(new Configuration(), split);
        OwnedBatch batch = reader.readBatch().next().getRecord()) {
      for (String name : new String[] {"f32", "i64", "text"}) {
        DeviceColumn column = batch.column(name);
        assertThat(column.values().outcome().reason())
            .as(name)
            .isEqualTo(dictionary ? CopyReason.DICTIONARY : CopyReason.ON_HEAP);
        assertThat(column.validity().outcome().reason()).isEqualTo(CopyReason.VALIDITY);
      }
      assertThat(batch.column("flag").values().outcome().reason()).isEqualTo(CopyReason.BIT_PACKED);
      long distance =
          batch.column("g32").values().address() - batch.column("f32").values().address();
      assertThat(distance).as("columns of one type in one slab").isEqualTo(300 / 16 * 64 + 64);
    }
  }
}
