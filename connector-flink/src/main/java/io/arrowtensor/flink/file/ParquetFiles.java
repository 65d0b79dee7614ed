package io.arrowtensor.flink.file;

import io.arrowtensor.BatchSchema;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.OwnedBatch;
import java.io.IOException;
import java.util.List;
import org.apache.flink.connector.file.src.FileSourceSplit;
import org.apache.flink.connector.file.src.reader.BulkFormat;
import org.apache.flink.core.fs.Path;

/**
 * Parquet files as streams of whole batches; through Flink's file systems, exactly once.
 *
 * <pre>{@code
 * FileSource<OwnedBatch> source =
 *     FileSource.forBulkFileFormat(ParquetFiles.read(folder, "delay", "distance"), folder).build();
 * DataStream<OwnedBatch> batches = env.fromSource(source, WatermarkStrategy.noWatermarks(), "flights");
 * }</pre>
 *
 * <p>An element is up to {@value #MAX_ROWS} rows of one row group. Pages are read a few at a time
 * and decoded straight to native memory; columns of one type lie in one slab, so that they are also
 * one matrix. Numbers, booleans, text and binary are read; dates, times and timestamps as the
 * integers that they are stored as; nulls stay nulls. Pages of both versions may be plain or have a
 * dictionary, numbers split bytes, integers packed deltas. Other columns (nested, decimals,
 * fixed-length bytes, INT96 timestamps) and other encodings are refused by name when the format is
 * made.
 *
 * <p>Needs {@code flink-parquet} and Hadoop's classes on the class path, as Flink's own Parquet
 * format does.
 *
 * <p><b>Ownership and errors</b> are those of {@link ArrowFiles}; what Parquet's own classes find
 * wrong with a file may also be an {@link IOException} that names it.
 */
public final class ParquetFiles {
  /** Rows of a batch where nothing else is asked for. */
  public static final int MAX_ROWS = 8192;

  private ParquetFiles() {}

  /**
   * A format for {@code FileSource.forBulkFileFormat}. Files are split between their row groups.
   *
   * @param example a file, or a folder with files, of the schema that all files have; read now
   * @param columns what to read, in this order; everything when there are none
   * @throws InterchangeException naming the column that is not there, or that arrays cannot hold
   */
  public static BulkFormat<OwnedBatch, FileSourceSplit> read(Path example, String... columns)
      throws IOException {
    return new ParquetFormat(learn(example, columns), MAX_ROWS);
  }

  /**
   * As {@link #read(Path, String...)}, without a look at a file.
   *
   * @param schema the columns to read, in this order; a file that differs fails the job, but for
   *     the unit of dates and times, which are integers here
   * @param maxRows rows of a batch, where its row group has as many left
   */
  public static BulkFormat<OwnedBatch, FileSourceSplit> read(BatchSchema schema, int maxRows) {
    if (maxRows < 1) {
      throw new InterchangeException("Invalid maxRows " + maxRows + ": expected at least 1");
    }
    return new ParquetFormat(FileSchema.of(schema), maxRows);
  }

  /** The columns that {@link #read(Path, String...)} reads. */
  public static BatchSchema schema(Path example, String... columns) throws IOException {
    return learn(example, columns).columns();
  }

  private static FileSchema learn(Path example, String... columns) throws IOException {
    try (ParquetFile file = ParquetFile.open(ExampleFile.of(example), 0, Long.MAX_VALUE)) {
      return file.columns(List.of(columns));
    }
  }
}
