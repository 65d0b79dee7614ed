package io.arrowtensor.flink.file;

import io.arrowtensor.OwnedBatch;
import io.arrowtensor.flink.BatchTypeInfo;
import java.io.IOException;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.file.src.FileSourceSplit;
import org.apache.flink.connector.file.src.reader.BulkFormat;
import org.apache.flink.connector.file.src.util.CheckpointedPosition;

/**
 * Parquet files, split between row groups.
 *
 * <p>Flink's {@code ParquetVectorizedInputFormat} is not built upon: it fixes heap vectors, reads
 * whole row groups to the heap, and restores by elements where a position here is rows.
 */
final class ParquetFormat implements BulkFormat<OwnedBatch, FileSourceSplit> {
  private static final long serialVersionUID = 1;

  private final FileSchema schema;
  private final int maxRows;
  private final ReaderMemory memory = new ReaderMemory();

  ParquetFormat(FileSchema schema, int maxRows) {
    this.schema = schema;
    this.maxRows = maxRows;
  }

  @Override
  public ParquetBatches createReader(Configuration config, FileSourceSplit split)
      throws IOException {
    return open(config, split, 0);
  }

  @Override
  public ParquetBatches restoreReader(Configuration config, FileSourceSplit split)
      throws IOException {
    return open(
        config,
        split,
        split.getReaderPosition().map(CheckpointedPosition::getRecordsAfterOffset).orElse(0L));
  }

  private ParquetBatches open(Configuration config, FileSourceSplit split, long position)
      throws IOException {
    ParquetFile file = ParquetFile.open(split.path(), split.offset(), split.length());
    try {
      return ParquetBatches.open(file, schema, maxRows, memory.open(config), position);
    } catch (IOException | RuntimeException | Error e) {
      file.close();
      throw e;
    }
  }

  @Override
  public boolean isSplittable() {
    return true;
  }

  @Override
  public TypeInformation<OwnedBatch> getProducedType() {
    return BatchTypeInfo.of(schema.columns()).givenAway();
  }
}
