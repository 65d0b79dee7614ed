package io.arrowtensor.flink.file;

import io.arrowtensor.OwnedBatch;
import io.arrowtensor.flink.BatchTypeInfo;
import java.io.IOException;
import java.util.List;
import org.apache.arrow.vector.ipc.message.ArrowBlock;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.file.src.FileSourceSplit;
import org.apache.flink.connector.file.src.reader.BulkFormat;
import org.apache.flink.connector.file.src.util.CheckpointedPosition;
import org.jspecify.annotations.Nullable;

/**
 * Arrow IPC files, split between record batches: a batch belongs to the split in which it starts. A
 * position is the number of the split's batches that were read.
 */
final class ArrowFormat implements BulkFormat<OwnedBatch, FileSourceSplit> {
  private static final long serialVersionUID = 1;

  private final FileSchema schema;
  private final ReaderMemory memory = new ReaderMemory();

  ArrowFormat(FileSchema schema) {
    this.schema = schema;
  }

  @Override
  public Reader createReader(Configuration config, FileSourceSplit split) throws IOException {
    return open(config, split, 0);
  }

  @Override
  public Reader restoreReader(Configuration config, FileSourceSplit split) throws IOException {
    return open(
        config,
        split,
        split.getReaderPosition().map(CheckpointedPosition::getRecordsAfterOffset).orElse(0L));
  }

  private Reader open(Configuration config, FileSourceSplit split, long position)
      throws IOException {
    IpcFile file = IpcFile.open(split.path());
    try {
      List<ArrowBlock> blocks = blocks(file, split.offset(), split.offset() + split.length());
      if (position > blocks.size()) {
        throw file.input()
            .invalid("its part has " + blocks.size() + " batches, " + position + " were read");
      }
      IpcBatches batches = IpcBatches.open(file, schema, memory.open(config));
      return new Reader(batches, blocks, (int) position);
    } catch (IOException | RuntimeException | Error e) {
      file.close();
      throw e;
    }
  }

  private static List<ArrowBlock> blocks(IpcFile file, long start, long end) {
    return file.recordBlocks().stream()
        .filter(block -> block.getOffset() >= start && block.getOffset() < end)
        .toList();
  }

  @Override
  public boolean isSplittable() {
    return true;
  }

  @Override
  public TypeInformation<OwnedBatch> getProducedType() {
    return BatchTypeInfo.of(schema.columns()).givenAway();
  }

  /** Reads the batches of one split. The thread that Flink fetches with. */
  static final class Reader implements BulkFormat.Reader<OwnedBatch> {
    private final IpcBatches batches;
    private final List<ArrowBlock> blocks;
    private int position;

    private Reader(IpcBatches batches, List<ArrowBlock> blocks, int position) {
      this.batches = batches;
      this.blocks = blocks;
      this.position = position;
    }

    @Override
    public BulkFormat.@Nullable RecordIterator<OwnedBatch> readBatch() throws IOException {
      return position == blocks.size()
          ? null
          : new FileBatch(batches.read(blocks.get(position)), ++position);
    }

    @Override
    public void close() throws IOException {
      batches.close();
    }
  }
}
