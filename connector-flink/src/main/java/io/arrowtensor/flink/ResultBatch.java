package io.arrowtensor.flink;

import io.arrowtensor.BatchSchema;
import io.arrowtensor.BatchSchema.Column;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.Options;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.internal.BatchMemory;
import io.arrowtensor.internal.Closing;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.jspecify.annotations.Nullable;

/** The results of one batch as one element, which owns its memory. One thread at a time. */
final class ResultBatch implements Results {
  private final BatchSchema promised;
  private final int kept;
  private final BatchMemory memory;
  private final Options options;
  private @Nullable OwnedBatch batch;
  private @Nullable Long time;

  /**
   * @param kept columns behind the arguments that are passed on
   * @param memory owns the element
   */
  ResultBatch(BatchSchema promised, int kept, BatchMemory memory) {
    this.promised = promised;
    this.kept = kept;
    this.memory = memory;
    this.options = Options.defaults().withAllocator(memory.allocator());
  }

  @Override
  public void load(OwnedBatch results, DeviceBatch lent, BatchInput<?> input, boolean[] nullRows) {
    Promise.requireCount(promised, results);
    setTime(input);
    List<DeviceColumn> columns = new ArrayList<>();
    List<AutoCloseable> made = new ArrayList<>();
    try {
      for (int i = 0; i < promised.columns().size(); i++) {
        Column column = promised.columns().get(i);
        Promise.require("result", column, results.column(i), input.rows());
        results.column(i).values().device().requireHostAccessible("pass on");
        DeviceColumn named = results.column(i).withName(column.name());
        columns.add(masked(named, nullRows, made));
      }
      columns.addAll(lent.columns().subList(lent.columns().size() - kept, lent.columns().size()));
      DeviceColumn times = input.rowTimes(options);
      if (times != null) {
        made.add(times);
        columns.add(times);
      }
      batch = memory.own(OwnedBatch.of(input.rows(), columns));
    } finally {
      Closing.all(made); // what the element shows of it has an owner of its own there
    }
  }

  /** An element has one timestamp: the latest of its rows, so that none of them is late by it. */
  private void setTime(BatchInput<?> input) {
    int changed = input.firstChange();
    if (changed >= 0) {
      throw new InterchangeException(
              "Cannot put an "
                  + input.kind(changed)
                  + " into a batch (row "
                  + changed
                  + "): batches are insert-only; use map(function), whose rows keep their kind,"
                  + " or make an insert-only stream first")
          .atRow(changed);
    }
    time = input.latestTime();
  }

  /** {@code column} with the rows of {@code nullRows} null. */
  private DeviceColumn masked(DeviceColumn column, boolean[] nullRows, List<AutoCloseable> made) {
    DeviceArray validity = column.validity();
    boolean[] nulls = nullRows.clone();
    if (validity != null && nulls.length > 0) {
      RowMarks.addUnset(nulls, validity);
    }
    boolean any = false;
    for (int row = 0; row < nulls.length; row++) {
      any |= nulls[row];
      nulls[row] = !nulls[row];
    }
    if (!any) {
      return column;
    }
    DeviceArray present = RowMarks.of(nulls, nulls.length, options);
    made.add(present);
    if (validity != null) {
      made.add(validity);
    }
    return column.withValidity(present);
  }

  /** Moves the element into {@code record}; from now on it is its receivers'. */
  OwnedBatch moveTo(StreamRecord<OwnedBatch> record) {
    OwnedBatch element = java.util.Objects.requireNonNull(batch);
    batch = null;
    record.replace(element);
    if (time != null) {
      record.setTimestamp(time);
    } else {
      record.eraseTimestamp();
    }
    return element;
  }

  /** What it took to make the element. */
  DeviceBatch batch() {
    return java.util.Objects.requireNonNull(batch);
  }

  @Override
  public void close() {
    OwnedBatch left = batch;
    batch = null;
    if (left != null) {
      left.close();
    }
  }
}
