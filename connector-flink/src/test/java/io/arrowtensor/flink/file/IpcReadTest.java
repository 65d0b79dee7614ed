package io.arrowtensor.flink.file;

import static org.assertj.core.api.Assertions.assertThat;

import io.arrowtensor.OwnedBatch;
import io.arrowtensor.flink.BatchTypeInfo;
import io.arrowtensor.flink.NothingHeld;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.compression.CompressionUtil.CodecType;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.Schema;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.file.src.FileSourceSplit;
import org.apache.flink.connector.file.src.reader.BulkFormat;
import org.apache.flink.connector.file.src.util.CheckpointedPosition;
import org.apache.flink.connector.file.src.util.RecordAndPosition;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is read from Arrow files is what Arrow's own reader reads. */
@ExtendWith(NothingHeld.class)
class IpcReadTest {
  @TempDir Path folder;

  static List<List<List<Object>>> read(
      BulkFormat<OwnedBatch, FileSourceSplit> format, Path file, long start, long length)
      throws Exception {
    long bytes = Files.size(file);
    FileSourceSplit split =
        new FileSourceSplit(
            "s", path(file), start, length, Files.getLastModifiedTime(file).toMillis(), bytes);
    return read(
        format.createReader(new Configuration(), split), Integer.MAX_VALUE, new AtomicLong());
  }

  /** Reads up to {@code count} batches, notes the position behind them and closes the reader. */
  static List<List<List<Object>>> read(
      BulkFormat.Reader<OwnedBatch> reader, int count, AtomicLong position) throws Exception {
    List<List<List<Object>>> batches = new ArrayList<>();
    try (reader) {
      for (var records = reader.readBatch(); records != null; records = reader.readBatch()) {
        if (batches.size() == count) {
          records.releaseBatch();
          break;
        }
        RecordAndPosition<OwnedBatch> next = records.next();
        assertThat(next.getOffset()).isEqualTo(CheckpointedPosition.NO_OFFSET);
        position.set(next.getRecordSkipCount());
        try (OwnedBatch batch = next.getRecord()) {
          batches.add(Cells.of(batch));
        }
        assertThat(records.next()).as("more than one element").isNull();
        records.releaseBatch();
      }
    }
    return batches;
  }

  /** Whatever the position at which it is taken up again, all is read once. */
  static void assertGoesOnBehindEachPosition(
      BulkFormat<OwnedBatch, FileSourceSplit> format, Path file) throws Exception {
    FileSourceSplit split =
        new FileSourceSplit("s", path(file), 0, Files.size(file), 0, Files.size(file));
    List<List<List<Object>>> all = read(format, file, 0, Files.size(file));
    for (int count = 0; count <= all.size(); count++) {
      AtomicLong position = new AtomicLong();
      List<List<List<Object>>> read =
          read(format.createReader(new Configuration(), split), count, position);
      FileSourceSplit rest =
          split.updateWithCheckpointedPosition(
              new CheckpointedPosition(CheckpointedPosition.NO_OFFSET, position.get()));
      read.addAll(
          read(
              format.restoreReader(new Configuration(), rest),
              Integer.MAX_VALUE,
              new AtomicLong()));
      assertThat(read).as("restored behind %s batches", count).isEqualTo(all);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0, NO_COMPRESSION",
    "1, 0, NO_COMPRESSION",
    "1, 1, NO_COMPRESSION",
    "7, 3, ZSTD",
    "8, 3, LZ4_FRAME",
    "9, 0, ZSTD",
    "1000, 0, NO_COMPRESSION",
    "1000, 4, NO_COMPRESSION",
    "1000, 1, NO_COMPRESSION",
    "1000, 4, ZSTD",
    "1000, 4, LZ4_FRAME"
  })
  void everyTypeIsReadAsArrowReadsIt(int rows, int nullEvery, CodecType codec) throws Exception {
    Path file = folder.resolve("all.arrow");
    Random random = new Random(rows + nullEvery);
    Schema schema = IpcFixture.schema();
    List<List<Object>> expected;
    try (BufferAllocator allocator = new RootAllocator()) {
      expected =
          IpcFixture.write(
              file,
              codec,
              IpcFixture.rows(schema, rows, nullEvery, random, allocator),
              IpcFixture.rows(schema, rows / 2, nullEvery, random, allocator));
    }
    assertThat(Cells.joined(read(ArrowFiles.read(path(file)), file, 0, Files.size(file))))
        .isEqualTo(expected);
  }

  static org.apache.flink.core.fs.Path path(Path file) {
    return new org.apache.flink.core.fs.Path(file.toUri());
  }

  @ParameterizedTest
  @CsvSource({
    "0, false, false, 8, true", "10, false, false, 8, true", "10, true, false, 16, true",
        "1000, true, true, 32, true",
    "1000, false, true, 64, true", "1000, true, false, 8, false", "1000, true, false, 16, false",
        "9, true, false, 32, false"
  })
  void dictionariesAreLookedUp(int rows, boolean nulls, boolean nullWord, int bits, boolean signed)
      throws Exception {
    Path file = folder.resolve("words.arrow");
    List<List<Object>> expected;
    try (BufferAllocator allocator = new RootAllocator()) {
      expected =
          IpcFixture.writeWithDictionaries(
              file, rows, nulls, nullWord, new ArrowType.Int(bits, signed), allocator);
    }
    var format = ArrowFiles.read(path(file));
    assertThat(((BatchTypeInfo) format.getProducedType()).schema().orElseThrow().columns())
        .extracting(Object::toString)
        .containsExactly("word: string nullable", "plain: int64", "number: float32 nullable");
    assertThat(Cells.joined(read(format, file, 0, Files.size(file)))).isEqualTo(expected);
  }

  @Test
  void chosenColumnsAreReadInTheirOrderAndNoOthers() throws Exception {
    Path file = folder.resolve("all.arrow");
    List<List<Object>> expected;
    Schema schema = IpcFixture.schema();
    try (BufferAllocator allocator = new RootAllocator()) {
      expected =
          IpcFixture.write(
              file,
              CodecType.NO_COMPRESSION,
              IpcFixture.rows(schema, 5000, 3, new Random(5), allocator));
    }
    for (String[] names :
        new String[][] {{"text", "f32"}, {"i8"}, {"pair", "bool", "list", "u64"}}) {
      List<List<Object>> chosen = new ArrayList<>();
      for (String name : names) {
        chosen.add(expected.get(schema.getFields().indexOf(schema.findField(name))));
      }
      assertThat(Cells.joined(read(ArrowFiles.read(path(file), names), file, 0, Files.size(file))))
          .as("%s", List.of(names))
          .isEqualTo(chosen);
    }
  }

  @Test
  void eachBatchIsReadOnceHoweverTheFileIsSplitOrTakenUpAgain() throws Exception {
    Path file = folder.resolve("all.arrow");
    List<List<Object>> expected;
    try (BufferAllocator allocator = new RootAllocator()) {
      VectorSchemaRoot[] batches = new VectorSchemaRoot[10];
      for (int i = 0; i < batches.length; i++) {
        batches[i] = IpcFixture.rows(IpcFixture.schema(), 100 + i, 3, new Random(i), allocator);
      }
      expected = IpcFixture.write(file, CodecType.NO_COMPRESSION, batches);
    }
    var format = ArrowFiles.read(path(file));
    assertGoesOnBehindEachPosition(format, file);
    for (int parts : new int[] {1, 2, 3, 7, 100}) {
      List<List<List<Object>>> read = new ArrayList<>();
      long length = Files.size(file);
      for (int part = 0; part < parts; part++) {
        long start = length * part / parts;
        read.addAll(read(format, file, start, length * (part + 1) / parts - start));
      }
      assertThat(Cells.joined(read)).as("%s splits", parts).isEqualTo(expected);
    }
  }
}
