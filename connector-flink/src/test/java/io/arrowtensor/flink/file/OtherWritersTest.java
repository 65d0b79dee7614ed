package io.arrowtensor.flink.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.UnsupportedTypeException;
import io.arrowtensor.flink.NothingHeld;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Parquet files of other writers, as they left them. */
@ExtendWith(NothingHeld.class)
class OtherWritersTest {
  private static Path file(String name) throws Exception {
    return Path.of(OtherWritersTest.class.getResource("/parquet/" + name).toURI());
  }

  /** Its last packed groups end with their last value; text, categories with nulls, booleans. */
  @Test
  void aFileOfPolarsIsReadAsParquetReadsIt() throws Exception {
    Path file = file("polars-0.20.3.parquet");
    String[] columns = {"s", "c", "b"};
    var format = ParquetFiles.read(IpcReadTest.path(file), columns);
    assertThat(Cells.joined(IpcReadTest.read(format, file, 0, Files.size(file))))
        .isEqualTo(ParquetFixture.read(file, columns));
  }

  /** By PyArrow 26. */
  @Test
  void aCodecThatIsNotThereIsRefusedWhenTheJobIsBuilt() throws Exception {
    Path file = file("brotli.parquet");
    assertThatThrownBy(() -> ParquetFiles.schema(IpcReadTest.path(file)))
        .isInstanceOf(UnsupportedTypeException.class)
        .hasMessageContaining("' is compressed by BROTLI, which cannot be had (")
        .hasMessageEndingWith("); put the codec on the class path, or write it in another way");
  }
}
