package io.arrowtensor.python;

import io.arrowtensor.DeviceBatch;
import io.arrowtensor.Options;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.arrow.CData;
import io.arrowtensor.arrow.CDevice;
import io.arrowtensor.internal.Abi;
import io.arrowtensor.internal.RawMemory;

/** A batch that Python holds; its columns are closed with the block. */
final class BatchHandle extends Handle {
  private static final Options PLAIN = Options.defaults();

  private final OwnedBatch batch;

  private BatchHandle(OwnedBatch batch) {
    this.batch = batch;
  }

  /** A block for {@code batch}, which it takes over. */
  static long of(OwnedBatch batch) {
    try {
      long block = new BatchHandle(batch).publish(Protocol.Handle.BATCH, Protocol.Batch.SIZE);
      RawMemory.putLong(block + Protocol.Batch.ROWS, batch.rowCount());
      RawMemory.putLong(block + Protocol.Batch.COLUMNS, batch.columns().size());
      return block;
    } catch (RuntimeException | Error e) {
      batch.close();
      throw e;
    }
  }

  DeviceBatch batch() {
    return batch;
  }

  @Override
  long answer(int operation, long argument) {
    return switch (operation) {
      case Protocol.Batch.NAME -> text(0, batch.column((int) argument).name());
      case Protocol.Batch.COLUMN -> ArrayHandle.share(batch.column((int) argument).array(), PLAIN);
      case Protocol.Batch.ARROW ->
          ArrowStructs.pair(
              argument,
              Abi.Array.SIZE,
              (schema, array) -> CData.export(batch, PLAIN, schema, array));
      case Protocol.Batch.ARROW_DEVICE ->
          ArrowStructs.pair(
              argument,
              Abi.DeviceArray.SIZE,
              (schema, array) -> CDevice.export(batch, PLAIN, schema, array));
      case Protocol.Batch.ARROW_STREAM ->
          ArrowStructs.single(
              Abi.ArrayStream.SIZE, stream -> CData.exportStream(batch, PLAIN, stream));
      case Protocol.Batch.ARROW_DEVICE_STREAM ->
          ArrowStructs.single(
              Abi.DeviceArrayStream.SIZE, stream -> CDevice.exportStream(batch, PLAIN, stream));
      default -> throw unknown(operation);
    };
  }

  @Override
  void close() {
    batch.close();
  }
}
