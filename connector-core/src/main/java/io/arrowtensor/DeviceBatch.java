package io.arrowtensor;

import java.util.List;

/**
 * Named columns of equal length. A batch that a function gets is borrowed: it may be used until the
 * function returns. Code that makes batches gets {@link OwnedBatch}es and closes them.
 */
public class DeviceBatch {
  private final List<DeviceColumn> columns;
  private final long rowCount;

  /**
   * For producers of borrowed batches; checks that all columns have {@code rowCount} rows. Takes no
   * ownership.
   */
  public DeviceBatch(long rowCount, List<DeviceColumn> columns) {
    this.columns = List.copyOf(columns);
    this.rowCount = rowCount;
    for (DeviceColumn column : this.columns) {
      if (column.rowCount() != rowCount) {
        throw new InterchangeException(
            "Invalid column '"
                + column.name()
                + "': it has "
                + column.rowCount()
                + " rows, the batch has "
                + rowCount);
      }
    }
  }

  /**
   * Makes a batch of any source, such as {@code Vectors.view(root)}.
   *
   * @return a batch that the caller closes
   * @throws InterchangeException naming the column that cannot be described; everything taken has
   *     been released
   */
  public static OwnedBatch from(BatchSource source, Options options) {
    return source.openBatch(options);
  }

  /** As {@link #from(BatchSource, Options)} with {@link Options#defaults()}. */
  public static OwnedBatch from(BatchSource source) {
    return from(source, Options.defaults());
  }

  /** The number of rows, the first dimension of every column. */
  public long rowCount() {
    return rowCount;
  }

  /** The columns, in order. */
  public List<DeviceColumn> columns() {
    return columns;
  }

  /** The column at position {@code index}, from 0. */
  public DeviceColumn column(int index) {
    return columns.get(index);
  }

  /**
   * The first column called {@code name}.
   *
   * @throws InterchangeException listing the names there are
   */
  public DeviceColumn column(String name) {
    for (DeviceColumn column : columns) {
      if (column.name().equals(name)) {
        return column;
      }
    }
    throw new InterchangeException(
        "Cannot find column '"
            + name
            + "': the batch has "
            + columns.stream().map(DeviceColumn::name).toList());
  }

  /** The columns' names and types. */
  public BatchSchema schema() {
    return new BatchSchema(columns.stream().map(BatchSchema.Column::of).toList());
  }

  /** Row count and columns. */
  @Override
  public String toString() {
    return getClass().getSimpleName() + "(" + rowCount + " rows, " + columns + ")";
  }
}
