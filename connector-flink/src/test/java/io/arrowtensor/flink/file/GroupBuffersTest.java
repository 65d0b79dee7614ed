package io.arrowtensor.flink.file;

import static org.assertj.core.api.Assertions.assertThat;

import io.arrowtensor.OwnedBatch;
import io.arrowtensor.flink.NothingHeld;
import io.arrowtensor.internal.BatchMemory;
import java.nio.ByteBuffer;
import java.nio.LongBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.file.src.FileSourceSplit;
import org.apache.flink.connector.file.src.reader.BulkFormat;
import org.apache.flink.util.InstantiationUtil;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Row groups that are read to the memory of earlier ones. */
@ExtendWith(NothingHeld.class)
class GroupBuffersTest {
  /** Of 12 bytes each, so that a row group takes a whole buffer and a part of one. */
  private static final int GROUP_ROWS = 900_000;

  @TempDir Path folder;

  @Test
  void whatWasReleasedIsUsedAgain() {
    GroupBuffers buffers = new GroupBuffers();
    ByteBuffer first = buffers.allocate(GroupBuffers.SIZE).position(7).limit(9);
    buffers.release(first);
    ByteBuffer again = buffers.allocate(GroupBuffers.SIZE);
    assertThat(again).isSameAs(first);
    assertThat(again.remaining()).isEqualTo(GroupBuffers.SIZE);
    assertThat(buffers.allocate(GroupBuffers.SIZE)).as("in use").isNotSameAs(first);
  }

  @Test
  void smallOnesAreLeftToTheCollector() {
    GroupBuffers buffers = new GroupBuffers();
    ByteBuffer first = buffers.allocate(10);
    buffers.release(first);
    assertThat(buffers.allocate(10)).isNotSameAs(first);
  }

  @Test
  void whatAReaderReadToWaitsForTheNext() throws Exception {
    Path path = folder.resolve("0.parquet");
    NumberedRows.writeParquet(path, 0, 2 * GROUP_ROWS, GROUP_ROWS);
    GroupBuffers buffers = new GroupBuffers();
    try (BatchMemory memory = BatchMemory.open("of a test", Long.MAX_VALUE, Duration.ZERO)) {
      for (int reader = 0; reader < 2; reader++) {
        ParquetFile file = ParquetFile.open(IpcReadTest.path(path), 0, Long.MAX_VALUE, buffers);
        FileSchema schema = file.columns(List.of());
        try (ParquetBatches batches = ParquetBatches.open(file, schema, GROUP_ROWS, memory, 0)) {
          for (int group = 0; group < 2; group++) {
            batches.readBatch().releaseBatch();
            assertThat(buffers.waiting()).as("while group %d is read", group).isZero();
          }
          assertThat(batches.readBatch()).isNull();
        }
        assertThat(buffers.waiting()).as("after reader %d", reader).isEqualTo(1);
      }
    }
  }

  @Test
  void bothGroupsOfEachFileHoldTheirOwnValues() throws Exception {
    Path example = folder.resolve("0.parquet");
    NumberedRows.writeParquet(example, 0, 2 * GROUP_ROWS, GROUP_ROWS);
    BulkFormat<OwnedBatch, FileSourceSplit> format =
        InstantiationUtil.clone(ParquetFiles.read(IpcReadTest.path(example)));
    assertThat(endOfIds(format, example, 0)).isEqualTo(2 * GROUP_ROWS);
    Path next = folder.resolve("1.parquet");
    NumberedRows.writeParquet(next, 1, 2 * GROUP_ROWS, GROUP_ROWS);
    assertThat(endOfIds(format, next, 2 * GROUP_ROWS)).isEqualTo(4 * GROUP_ROWS);
  }

  /** Requires the ids to follow each other; the one behind the last. */
  private static long endOfIds(
      BulkFormat<OwnedBatch, FileSourceSplit> format, Path file, long first) throws Exception {
    long length = Files.size(file);
    FileSourceSplit split = new FileSourceSplit("s", IpcReadTest.path(file), 0, length, 0, length);
    long expected = first;
    try (BulkFormat.Reader<OwnedBatch> reader = format.createReader(new Configuration(), split)) {
      for (var records = reader.readBatch(); records != null; records = reader.readBatch()) {
        try (OwnedBatch batch = records.next().getRecord()) {
          LongBuffer ids = batch.column("id").array().byteBuffer().asLongBuffer();
          while (ids.hasRemaining()) {
            if (ids.get() != expected++) {
              throw new AssertionError(file + ": row with id " + (expected - 1) + " has another");
            }
          }
        }
      }
    }
    return expected;
  }
}
