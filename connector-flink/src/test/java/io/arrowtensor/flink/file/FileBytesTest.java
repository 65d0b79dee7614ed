package io.arrowtensor.flink.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.InterchangeException;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.flink.NothingHeld;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.arrow.flatbuf.Buffer;
import org.apache.arrow.flatbuf.Message;
import org.apache.arrow.flatbuf.RecordBatch;
import org.apache.arrow.vector.ipc.message.ArrowBlock;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.file.src.FileSourceSplit;
import org.apache.flink.connector.file.src.reader.BulkFormat;
import org.apache.flink.connector.file.src.util.CheckpointedPosition;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.hadoop.metadata.BlockMetaData;
import org.apache.parquet.hadoop.metadata.ColumnChunkMetaData;
import org.apache.parquet.io.LocalInputFile;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Which bytes of a file are read: those that are asked for, and no file stays open. */
@ExtendWith({NothingHeld.class, CountedFiles.class})
class FileBytesTest {
  private static final int PARTS = 3;
  private static final int ROWS = 5000;
  private static final int MAX_ROWS = 1000;

  @TempDir Path folder;

  /**
   * The bytes of one column in one part of a file: a record batch or a row group.
   *
   * @param part from 0 on
   * @param column 0 for id, 1 for x
   */
  private record Piece(int part, int column, long start, long end) {
    long read() {
      return CountedFiles.bytes(start, end);
    }

    long length() {
      return end - start;
    }
  }

  private Path written(String kind) throws Exception {
    Path file = folder.resolve("numbers." + kind);
    if (kind.equals("arrow")) {
      NumberedRows.writeArrow(file, 0, PARTS, ROWS);
    } else {
      NumberedRows.writeParquet(file, 0, PARTS * ROWS, ROWS);
    }
    return file;
  }

  /** What the classes of the format itself tell of {@code file}. */
  private static List<Piece> pieces(Path file) throws Exception {
    return file.toString().endsWith("arrow") ? ofArrow(file) : ofParquet(file);
  }

  private static List<Piece> ofArrow(Path file) throws Exception {
    List<Piece> pieces = new ArrayList<>();
    byte[] bytes = Files.readAllBytes(file);
    List<ArrowBlock> blocks = IpcFooter.of(file).batches();
    for (int part = 0; part < blocks.size(); part++) {
      int start = (int) blocks.get(part).getOffset();
      long body = (long) start + blocks.get(part).getMetadataLength();
      ByteBuffer metadata = ByteBuffer.wrap(bytes, start + 8, bytes.length - start - 8);
      Message message = Message.getRootAsMessage(metadata.slice().order(ByteOrder.LITTLE_ENDIAN));
      RecordBatch batch = (RecordBatch) message.header(new RecordBatch());
      for (int i = 1; i < batch.buffersLength(); i += 2) { // each second one is validity
        Buffer data = batch.buffers(i);
        long from = body + data.offset();
        pieces.add(new Piece(part, i / 2, from, from + data.length()));
      }
    }
    return pieces;
  }

  private static List<Piece> ofParquet(Path file) throws Exception {
    List<Piece> pieces = new ArrayList<>();
    try (ParquetFileReader reader = ParquetFileReader.open(new LocalInputFile(file))) {
      List<BlockMetaData> groups = reader.getRowGroups();
      for (int part = 0; part < groups.size(); part++) {
        List<ColumnChunkMetaData> chunks = groups.get(part).getColumns();
        for (int c = 0; c < chunks.size(); c++) {
          long start = chunks.get(c).getStartingPos();
          pieces.add(new Piece(part, c, start, start + chunks.get(c).getTotalSize()));
        }
      }
    }
    return pieces;
  }

  private static BulkFormat<OwnedBatch, FileSourceSplit> format(
      org.apache.flink.core.fs.Path path, String... columns) throws Exception {
    return path.getName().endsWith("arrow")
        ? ArrowFiles.read(path, columns)
        : ParquetFiles.read(ParquetFiles.schema(path, columns), MAX_ROWS);
  }

  /** Reads what is behind {@code position}; only this counts. */
  private static List<List<Object>> read(
      BulkFormat<OwnedBatch, FileSourceSplit> format,
      org.apache.flink.core.fs.Path path,
      long position)
      throws Exception {
    long length = path.getFileSystem().getFileStatus(path).getLen();
    FileSourceSplit split =
        new FileSourceSplit("s", path, 0, length, 0, length)
            .updateWithCheckpointedPosition(
                new CheckpointedPosition(CheckpointedPosition.NO_OFFSET, position));
    CountedFiles.forget();
    return Cells.joined(
        IpcReadTest.read(
            format.restoreReader(new Configuration(), split), Integer.MAX_VALUE, new AtomicLong()));
  }

  @AfterEach
  void noFileIsOpen() {
    assertThat(CountedFiles.open()).as("files that are open").isZero();
  }

  @ParameterizedTest
  @CsvSource({
    // kind, file system, position, the part in which it lies, rows before it
    "arrow, counted, 1, 1, 5000",
    "arrow, counted, 2, 2, 10000",
    "arrow, direct, 1, 1, 5000",
    "arrow, direct, 0, 0, 0",
    "parquet, counted, 5000, 1, 5000",
    "parquet, counted, 7000, 1, 7000",
    "parquet, counted, 9999, 1, 9999",
    "parquet, direct, 10000, 2, 10000"
  })
  void batchesAndRowGroupsBeforeARestoreAreNotReadAgain(
      String kind, String system, long position, int part, int before) throws Exception {
    Path file = written(kind);
    org.apache.flink.core.fs.Path path = CountedFiles.path(system, file);
    List<List<Object>> rest = read(format(path), path, position);
    List<Object> ids = new ArrayList<>();
    List<Object> numbers = new ArrayList<>();
    for (long id = before; id < PARTS * ROWS; id++) {
      ids.add(id);
      numbers.add((long) Float.floatToRawIntBits((float) id));
    }
    assertThat(rest).isEqualTo(List.of(ids, numbers));
    List<Piece> pieces = pieces(file);
    assertThat(pieces).hasSize(PARTS * 2);
    for (Piece piece : pieces) {
      assertThat(piece.read())
          .as("bytes read of %s", piece)
          .isEqualTo(piece.part() < part ? 0 : piece.length());
    }
  }

  @ParameterizedTest
  @CsvSource({
    "arrow, counted, id",
    "arrow, direct, x",
    "parquet, counted, id",
    "parquet, direct, x"
  })
  void columnsThatNobodyAsksForAreNotRead(String kind, String system, String column)
      throws Exception {
    Path file = written(kind);
    org.apache.flink.core.fs.Path path = CountedFiles.path(system, file);
    List<List<Object>> all = read(format(path), path, 0);
    long bytesOfAll = CountedFiles.bytes();
    int chosen = column.equals("id") ? 0 : 1;
    assertThat(read(format(path, column), path, 0)).isEqualTo(List.of(all.get(chosen)));
    long leftOut = 0;
    for (Piece piece : pieces(file)) {
      assertThat(piece.length())
          .as("%s is longer than what is not skipped", piece)
          .isGreaterThan(1 << 14);
      boolean isChosen = piece.column() == chosen;
      assertThat(piece.read())
          .as("bytes read of %s", piece)
          .isEqualTo(isChosen ? piece.length() : 0);
      leftOut += isChosen ? 0 : piece.length();
    }
    assertThat(CountedFiles.bytes())
        .as("all bytes read, of %s with all columns", bytesOfAll)
        .isPositive()
        .isLessThanOrEqualTo(bytesOfAll - leftOut);
  }

  @ParameterizedTest
  @ValueSource(strings = {"arrow", "parquet"})
  void filesThatAreRefusedAreClosed(String kind) throws Exception {
    Path file = written(kind);
    org.apache.flink.core.fs.Path path = CountedFiles.path("counted", file);
    var format = format(path);
    byte[] bytes = Files.readAllBytes(file);
    for (int length : new int[] {0, 10, bytes.length / 2, bytes.length - 1}) {
      Files.write(file, Arrays.copyOf(bytes, length));
      assertThatThrownBy(() -> read(format, path, 0))
          .as("%s bytes", length)
          .isInstanceOfAny(InterchangeException.class, IOException.class)
          .hasMessageStartingWith("Cannot read " + path + ": ");
      assertThat(CountedFiles.open()).as("open after %s bytes", length).isZero();
    }
  }

  @Test
  void anotherFileThanTheExampleIsClosedWhenItsColumnsDiffer() throws Exception {
    var format = format(CountedFiles.path("counted", written("arrow")));
    Path other = folder.resolve("other.arrow");
    NumberedRows.writeArrow(other, 0, 1, 1);
    IpcFooter footer = IpcFooter.of(other);
    footer.with(footer.schema().getFields().get(1)).write(other);
    org.apache.flink.core.fs.Path path = CountedFiles.path("counted", other);
    assertThatThrownBy(() -> read(format, path, 0))
        .isInstanceOf(InterchangeException.class)
        .hasMessageStartingWith("Cannot read " + path + ": it has no column 'id'");
  }
}
