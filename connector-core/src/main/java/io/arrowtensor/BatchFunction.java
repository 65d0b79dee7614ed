package io.arrowtensor;

import java.io.Serializable;

/**
 * A function over batches, written once and used unchanged by Spark and Flink. Row i of every
 * result belongs to row i of the batch; how rows are grouped into batches is not stable. One
 * instance per task, called by one thread at a time.
 *
 * <p><b>Ownership.</b> The batch is borrowed until {@link #apply} returns; the result passes to the
 * caller, who closes it.
 */
@SuppressWarnings("try") // close() may be interrupted
public interface BatchFunction extends Serializable, AutoCloseable {

  /**
   * The result's columns; called on the driver or while the job is built, before any data.
   *
   * @param input the columns that the user named, in their order
   * @param files reads files that the job names, such as a model
   * @throws InterchangeException naming the column that does not fit, and the remedy
   */
  BatchSchema resultSchema(BatchSchema input, FileAccess files);

  /**
   * Whether the function reads {@link DeviceColumn#validity()}. One that does not, such as a model,
   * would compute on what null slots happen to hold; engines refuse to call it with {@link
   * Nulls#MASK}.
   */
  default boolean readsValidity() {
    return true;
  }

  /**
   * Whether the function reads arrays by their {@link DeviceArray#strides()}. To one that does,
   * engines may lend scalar columns whose elements do not lie side by side, such as the fields of
   * rows that were copied as they are; they need not. All others get contiguous ones.
   */
  default boolean readsStrides() {
    return false;
  }

  /** Called on the worker before the first batch. */
  default void open(BatchContext context) throws Exception {}

  /**
   * Computes one batch.
   *
   * @return columns as {@link #resultSchema} promised, with as many rows as the batch
   */
  OwnedBatch apply(DeviceBatch batch) throws Exception;

  /** Called exactly once after {@link #open}, also when it failed and when the task is killed. */
  @Override
  default void close() throws Exception {}
}
