package io.arrowtensor.flink.file;

import io.arrowtensor.BatchSchema;
import io.arrowtensor.OwnedBatch;
import java.io.IOException;
import java.util.List;
import org.apache.flink.api.common.serialization.BulkWriter;
import org.apache.flink.connector.file.src.FileSourceSplit;
import org.apache.flink.connector.file.src.reader.BulkFormat;
import org.apache.flink.core.fs.Path;

/**
 * Arrow IPC files as streams of whole batches, and back; through Flink's file systems, exactly
 * once.
 *
 * <pre>{@code
 * FileSource<OwnedBatch> source =
 *     FileSource.forBulkFileFormat(ArrowFiles.read(folder, "delay", "distance"), folder).build();
 * DataStream<OwnedBatch> batches = env.fromSource(source, WatermarkStrategy.noWatermarks(), "flights");
 * }</pre>
 *
 * <p>Each record batch of a file is one element, in memory that was read and not copied again;
 * columns that nobody asked for are not read. Text and binary are bytes with offsets, dates and
 * times the integers that they are stored as, what a dictionary holds is looked up. Nulls stay
 * nulls.
 *
 * <p><b>Ownership.</b> An element is freed when whoever alone reads it closes it, or when it has
 * become unreachable. What the batches of one subtask hold is bounded by {@link
 * io.arrowtensor.flink.TensorSettings#TASK_MEMORY} of the cluster's configuration: at that bound
 * reading waits until some are freed.
 *
 * <p><b>Errors.</b> A file that is no Arrow file, is cut off, or contradicts itself fails the job
 * with an {@link io.arrowtensor.InterchangeException} that names it, one that cannot be reached
 * with an {@link IOException}; nothing is held then. Compressed files need {@code
 * org.apache.arrow:arrow-compression}.
 */
public final class ArrowFiles {
  private ArrowFiles() {}

  /**
   * A format for {@code FileSource.forBulkFileFormat}. Files are split between their batches.
   *
   * @param example a file, or a folder with files, of the schema that all files have; read now
   * @param columns what to read, in this order; everything when there are none
   * @throws io.arrowtensor.InterchangeException naming the column that is not there, or that arrays
   *     cannot hold
   */
  public static BulkFormat<OwnedBatch, FileSourceSplit> read(Path example, String... columns)
      throws IOException {
    try (IpcFile file = IpcFile.open(ExampleFile.of(example))) {
      return new ArrowFormat(file.columns(List.of(columns)));
    }
  }

  /**
   * As {@link #read(Path, String...)}, without a look at a file.
   *
   * @param schema the columns to read, in this order; a file that differs fails the job, but for
   *     the unit of dates and times, which are integers here
   */
  public static BulkFormat<OwnedBatch, FileSourceSplit> read(BatchSchema schema) {
    return new ArrowFormat(FileSchema.of(schema));
  }

  /**
   * Writes each batch as one record batch: {@code FileSink.forBulkFormat(folder,
   * ArrowFiles.writer()).build()}. A file becomes visible complete, with the checkpoint that holds
   * its rows, as all of Flink's bulk files do; PyArrow, Arrow Java and {@link #read} read it.
   *
   * <p>All batches of a file have the columns of its first one, and all columns may be null.
   * Booleans are {@code arrow.bool8}, columns with rows of a shape nested fixed-size lists, dates
   * and times the integers that they are here; a column with a dictionary is refused. Batches stay
   * open: who made them, or the collector, frees them.
   */
  public static BulkWriter.Factory<OwnedBatch> writer() {
    return IpcWriter::new;
  }
}
