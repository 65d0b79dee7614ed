package io.arrowtensor.flink;

import io.arrowtensor.BatchSchema.Column;
import io.arrowtensor.DType;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.internal.Closing;
import io.arrowtensor.internal.Columns;
import io.arrowtensor.internal.RawMemory;
import io.arrowtensor.internal.Scope;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.types.RowKind;
import org.jspecify.annotations.Nullable;

/**
 * An element that is a batch, handed to the function as it is. Holds the element's memory from
 * {@link #add} until {@link #clear}, whoever closes the element meanwhile.
 */
final class WholeBatch implements BatchInput<OwnedBatch> {
  private static final Column ROW_TIME = Column.scalar(TensorStream.ROW_TIME, DType.INT64);

  private final WholeReader reader;
  private final Options options;
  private final boolean alone;
  private @Nullable OwnedBatch held;
  private @Nullable DeviceColumn times;
  private long timesAddress;
  private long timesPresent;
  private boolean timed;
  private long timestamp;
  private int rows;

  /**
   * @param alone whether nobody else has the elements, which are closed then
   */
  WholeBatch(WholeReader reader, Options options, boolean alone) {
    this.reader = reader;
    this.options = options;
    this.alone = alone;
  }

  @Override
  public void add(StreamRecord<OwnedBatch> record, @Nullable Object kept) {
    OwnedBatch element = record.getValue();
    clear();
    if (element.rowCount() > 0) {
      held = Columns.map(selected(element), array -> array.open(Options.defaults()));
      findTimes();
      rows = Math.toIntExact(element.rowCount());
      timed = record.hasTimestamp();
      timestamp = record.getTimestamp();
    }
    if (alone) {
      element.close();
    }
  }

  /** Arguments, kept columns and, behind them, the timestamps that the element has of its rows. */
  private DeviceBatch selected(OwnedBatch element) {
    List<DeviceColumn> columns = new ArrayList<>();
    for (List<Column> part : List.of(reader.selected(), reader.kept())) {
      for (Column promised : part) {
        DeviceColumn column = element.column(promised.name());
        Promise.require("element", promised, column, element.rowCount());
        columns.add(column);
      }
    }
    for (DeviceColumn column : element.columns()) {
      if (column.name().equals(ROW_TIME.name())) {
        Promise.require("element", ROW_TIME, column, element.rowCount());
        column.values().requireHostContiguous("read timestamps in");
        columns.add(column);
      }
    }
    return new DeviceBatch(element.rowCount(), columns);
  }

  private OwnedBatch held() {
    return Objects.requireNonNull(held);
  }

  @Override
  public int rows() {
    return rows;
  }

  /** An element is a batch; one without rows is nothing to score. */
  @Override
  public boolean isFull() {
    return rows > 0;
  }

  @Override
  public boolean isTimed(int row) {
    if (times == null) {
      return timed;
    }
    return timesPresent == 0 || RawMemory.byteAt(timesPresent + row) != 0;
  }

  @Override
  public long timestamp(int row) {
    return times == null ? timestamp : RawMemory.longAt(timesAddress + 8L * row);
  }

  @Override
  public @Nullable Long latestTime() {
    if (times == null) {
      return timed ? timestamp : null;
    }
    return BatchInput.super.latestTime();
  }

  /** Once for all rows, which ask for theirs one by one. */
  private void findTimes() {
    int selected = reader.selected().size() + reader.kept().size();
    times = held().columns().size() > selected ? held().column(selected) : null;
    if (times != null) {
      DeviceArray validity = times.validity();
      timesAddress = times.values().address();
      timesPresent = validity == null ? 0 : validity.address();
    }
  }

  @Override
  public @Nullable DeviceColumn rowTimes(Options options) {
    return times == null ? null : view(times, array -> array.open(options));
  }

  @Override
  public RowKind kind(int row) {
    return RowKind.INSERT;
  }

  @Override
  public OwnedBatch element(int row) {
    throw new IllegalStateException("Cannot tell the element of a row: it is the batch");
  }

  @Override
  public OwnedBatch lend(Scope scope) {
    int arguments = reader.arguments().size();
    List<DeviceColumn> lent = new ArrayList<>();
    try {
      for (int i = 0; i < arguments; i++) {
        lent.add(new WholeColumn(held().column(i), options, scope).lend());
      }
      for (int i = 0; i < reader.kept().size(); i++) {
        DeviceColumn column = held().column(arguments + i);
        lent.add(view(column, array -> array.open(Options.defaults()).withScope(scope)));
      }
    } catch (RuntimeException | Error e) {
      Closing.quietly(e, lent);
      throw e;
    }
    return OwnedBatch.of(rows, lent);
  }

  private static DeviceColumn view(DeviceColumn column, Function<DeviceArray, Memory> again) {
    return Columns.map(new DeviceBatch(column.rowCount(), List.of(column)), again).column(0);
  }

  @Override
  public boolean[] nullRows() {
    boolean[] nulls = new boolean[rows];
    for (DeviceColumn column : held().columns().subList(0, reader.arguments().size())) {
      if (column.validity() != null) {
        RowMarks.addUnset(nulls, column.validity());
      }
    }
    return nulls;
  }

  @Override
  public void clear() {
    rows = 0;
    close();
  }

  @Override
  public void close() {
    OwnedBatch open = held;
    held = null;
    times = null;
    if (open != null) {
      open.close();
    }
  }
}
