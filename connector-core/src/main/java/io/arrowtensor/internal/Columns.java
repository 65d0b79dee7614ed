package io.arrowtensor.internal;

import io.arrowtensor.ColumnKind;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.TensorRows;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/** The same columns over the same memory, which something else is to own. */
public final class Columns {
  private final Function<DeviceArray, Memory> again;
  private final Options options;
  private final List<DeviceArray> made = new ArrayList<>();

  private Columns(Function<DeviceArray, Memory> again, Options options) {
    this.again = again;
    this.options = options;
  }

  /**
   * A batch of what {@code again} says of each array of {@code batch}, which stays open. When this
   * throws, nothing new is held.
   */
  public static OwnedBatch map(DeviceBatch batch, Function<DeviceArray, Memory> again) {
    return map(batch, again, Options.defaults());
  }

  /** The same, placed as {@code options} ask. */
  public static OwnedBatch map(
      DeviceBatch batch, Function<DeviceArray, Memory> again, Options options) {
    Columns columns = new Columns(again, options);
    try {
      List<DeviceColumn> same = new ArrayList<>();
      for (DeviceColumn column : batch.columns()) {
        same.add(columns.column(column));
      }
      return OwnedBatch.of(batch.rowCount(), same);
    } catch (RuntimeException | Error e) {
      Closing.quietly(e, columns.made);
      throw e;
    }
  }

  private DeviceColumn column(DeviceColumn column) {
    DeviceArray validity = column.validity();
    DeviceColumn dictionary = column.dictionary();
    DeviceColumn same = values(column);
    DeviceColumn masked = validity == null ? same : same.withValidity(array(validity));
    return dictionary == null ? masked : masked.withDictionary(column(dictionary));
  }

  private DeviceColumn values(DeviceColumn column) {
    DeviceArray offsets = column.offsets();
    TensorRows rows = column.tensorRows();
    DeviceArray values = array(column.values());
    if (offsets == null || column.kind() == ColumnKind.ARRAY) {
      return DeviceColumn.of(column.name(), values);
    }
    if (rows == null) {
      return DeviceColumn.of(column.name(), column.kind(), values, array(offsets));
    }
    TensorRows same =
        new TensorRows(
            array(rows.shapes()), rows.permutation(), rows.dimNames(), rows.uniformShape());
    return DeviceColumn.tensors(column.name(), values, array(offsets), same);
  }

  private DeviceArray array(DeviceArray array) {
    DeviceArray same = DeviceArray.from(again.apply(array), options);
    made.add(same);
    return same;
  }
}
