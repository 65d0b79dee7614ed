package io.arrowtensor.flink.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.InterchangeException;
import io.arrowtensor.flink.NothingHeld;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Which columns a source reads is learned from a file, wherever it lies in a folder. */
@ExtendWith(NothingHeld.class)
class FileColumnsTest {
  @TempDir Path folder;

  @Test
  void theExampleMayLieInPartitions() throws Exception {
    Path partition = Files.createDirectories(folder.resolve("all/day=2/hour=1"));
    Files.createDirectories(folder.resolve("all/day=1"));
    Path hidden = Files.createDirectories(folder.resolve("all/_temporary"));
    Files.writeString(hidden.resolve("a.parquet"), "not complete");
    Files.writeString(partition.resolve(".crc"), "no file of data");
    NumberedRows.writeParquet(partition.resolve("part.parquet"), 0, 10, 10);
    var columns = ParquetFiles.schema(IpcReadTest.path(folder.resolve("all"))).columns();
    assertThat(columns).hasToString("[id: int64, x: float32 nullable]");
    assertThatThrownBy(() -> ParquetFiles.schema(IpcReadTest.path(folder.resolve("all/day=1"))))
        .hasMessageContaining("the folder has no files; name one, or give the schema");
  }

  @Test
  void aColumnIsReadOnce() throws Exception {
    Path file = folder.resolve("a.parquet");
    NumberedRows.writeParquet(file, 0, 10, 10);
    assertThatThrownBy(() -> ParquetFiles.read(IpcReadTest.path(file), "id", "x", "id"))
        .isInstanceOf(InterchangeException.class)
        .hasMessage(
            "Cannot read "
                + IpcReadTest.path(file)
                + ": its column 'id' is asked for twice in [id, x, id]; name it once");
  }
}
