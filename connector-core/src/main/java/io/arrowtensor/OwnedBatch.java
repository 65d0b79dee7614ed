package io.arrowtensor;

import io.arrowtensor.internal.Closing;
import java.util.List;

/**
 * A batch that owns its columns: whoever holds it closes it, once, from any thread, and that closes
 * every column.
 */
public final class OwnedBatch extends DeviceBatch implements AutoCloseable {

  private OwnedBatch(long rowCount, List<DeviceColumn> columns) {
    super(rowCount, columns);
  }

  /**
   * Takes over {@code columns}. When it throws, they have been closed.
   *
   * @param rowCount rows of every column
   */
  public static OwnedBatch of(long rowCount, List<DeviceColumn> columns) {
    try {
      return new OwnedBatch(rowCount, columns);
    } catch (RuntimeException e) {
      Closing.quietly(e, columns);
      throw e;
    }
  }

  /** Takes over {@code columns}, of which there is at least one. */
  public static OwnedBatch of(DeviceColumn... columns) {
    return of(columns[0].rowCount(), List.of(columns));
  }

  /** Closes every column. Idempotent. */
  @Override
  public void close() {
    Closing.all(columns());
  }
}
