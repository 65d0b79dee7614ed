package io.arrowtensor.flink.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.DType;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.Memory;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.UnsupportedTypeException;
import io.arrowtensor.flink.NothingHeld;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.compression.CompressionUtil.CodecType;
import org.apache.flink.api.common.serialization.BulkWriter;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.file.src.FileSourceSplit;
import org.apache.flink.connector.file.src.reader.BulkFormat;
import org.apache.flink.core.fs.FSDataOutputStream;
import org.apache.flink.core.fs.FileSystem.WriteMode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** What the sink writes, Arrow's own reader and this library's read. */
@ExtendWith(NothingHeld.class)
class IpcWriteTest {
  @TempDir Path folder;

  private static FSDataOutputStream create(Path file) throws Exception {
    org.apache.flink.core.fs.Path path = IpcReadTest.path(file);
    return path.getFileSystem().create(path, WriteMode.OVERWRITE);
  }

  @Test
  void allColumnsOfASourceAreWrittenAsTheyWereRead() throws Exception {
    Path source = folder.resolve("source.arrow");
    Path target = folder.resolve("target.arrow");
    try (BufferAllocator allocator = new RootAllocator()) {
      List<List<Object>> expected =
          IpcFixture.write(
              source,
              CodecType.NO_COMPRESSION,
              IpcFixture.rows(IpcFixture.schema(), 1000, 0, new Random(1), allocator),
              IpcFixture.rows(IpcFixture.schema(), 0, 0, new Random(2), allocator),
              IpcFixture.rows(IpcFixture.schema(), 100, 2, new Random(3), allocator));
      try (FSDataOutputStream out = create(target)) {
        BulkWriter<OwnedBatch> writer = ArrowFiles.writer().create(out);
        copy(source, writer);
        writer.finish();
      }
      assertThat(IpcFixture.read(target, allocator)).isEqualTo(expected);
      var format = ArrowFiles.read(IpcReadTest.path(target));
      assertThat(Cells.joined(IpcReadTest.read(format, target, 0, Files.size(target))))
          .isEqualTo(expected);
    }
  }

  private static void copy(Path source, BulkWriter<OwnedBatch> writer) throws Exception {
    FileSourceSplit split =
        new FileSourceSplit(
            "s", IpcReadTest.path(source), 0, Files.size(source), 0, Files.size(source));
    BulkFormat<OwnedBatch, FileSourceSplit> format = ArrowFiles.read(split.path());
    try (BulkFormat.Reader<OwnedBatch> reader = format.createReader(new Configuration(), split)) {
      for (var records = reader.readBatch(); records != null; records = reader.readBatch()) {
        try (OwnedBatch batch = records.next().getRecord()) {
          writer.addElement(batch);
        }
      }
    }
  }

  @Test
  void aFileWithoutBatchesIsAnArrowFile() throws Exception {
    Path target = folder.resolve("empty.arrow");
    try (FSDataOutputStream out = create(target)) {
      ArrowFiles.writer().create(out).finish();
    }
    try (BufferAllocator allocator = new RootAllocator()) {
      assertThat(IpcFixture.read(target, allocator)).isEmpty();
    }
  }

  @Test
  void aColumnWithADictionaryIsRefusedByNameAndNothingIsWritten() throws Exception {
    Path target = folder.resolve("target.arrow");
    DeviceArray indices = DeviceArray.from(Memory.allocate(DType.INT32, 2));
    DeviceColumn words = DeviceColumn.of("", DeviceArray.from(Memory.allocate(DType.FLOAT32, 3)));
    DeviceColumn column = DeviceColumn.of("risk", indices).withDictionary(words);
    try (OwnedBatch batch = OwnedBatch.of(2, List.of(column));
        FSDataOutputStream out = create(target)) {
      BulkWriter<OwnedBatch> writer = ArrowFiles.writer().create(out);
      assertThatThrownBy(() -> writer.addElement(batch))
          .isInstanceOf(UnsupportedTypeException.class)
          .hasMessage(
              "Cannot write column 'risk' to an Arrow file: it has a dictionary; emit what its"
                  + " indices stand for, or leave it out");
      assertThat(out.getPos()).as("bytes written").isZero();
    }
  }

  @Test
  void batchesOfOtherColumnsAreRefused() throws Exception {
    Path first = folder.resolve("first.arrow");
    Path second = folder.resolve("second.arrow");
    try (BufferAllocator allocator = new RootAllocator();
        FSDataOutputStream out = create(folder.resolve("target.arrow"))) {
      IpcFixture.write(
          first,
          CodecType.NO_COMPRESSION,
          IpcFixture.rows(IpcFixture.schema(), 3, 0, new Random(1), allocator));
      IpcFixture.writeWithDictionaries(
          second,
          3,
          false,
          false,
          new org.apache.arrow.vector.types.pojo.ArrowType.Int(32, true),
          allocator);
      BulkWriter<OwnedBatch> writer = ArrowFiles.writer().create(out);
      copy(first, writer);
      assertThatThrownBy(() -> copy(second, writer))
          .isInstanceOf(InterchangeException.class)
          .hasMessageContaining("Cannot write a batch with the columns [word: Utf8")
          .hasMessageEndingWith("send batches of different columns to sinks of their own");
    }
  }
}
