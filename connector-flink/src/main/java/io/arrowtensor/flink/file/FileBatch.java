package io.arrowtensor.flink.file;

import io.arrowtensor.OwnedBatch;
import org.apache.flink.connector.file.src.reader.BulkFormat;
import org.apache.flink.connector.file.src.util.CheckpointedPosition;
import org.apache.flink.connector.file.src.util.RecordAndPosition;
import org.jspecify.annotations.Nullable;

/**
 * One batch on its way to the task's thread, with the position behind it. Nobody knows whether that
 * thread's operators keep the batch, so it is not closed here once it was handed over.
 */
final class FileBatch implements BulkFormat.RecordIterator<OwnedBatch> {
  private final OwnedBatch batch;
  private final long position;
  private boolean handedOver;

  /**
   * @param batch passes to this
   * @param position what a reader that goes on behind this batch is told
   */
  FileBatch(OwnedBatch batch, long position) {
    this.batch = batch;
    this.position = position;
  }

  @Override
  public @Nullable RecordAndPosition<OwnedBatch> next() {
    if (handedOver) {
      return null;
    }
    handedOver = true;
    return new RecordAndPosition<>(batch, CheckpointedPosition.NO_OFFSET, position);
  }

  @Override
  public void releaseBatch() {
    if (!handedOver) {
      handedOver = true;
      batch.close();
    }
  }
}
