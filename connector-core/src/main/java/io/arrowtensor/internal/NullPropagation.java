package io.arrowtensor.internal;

import io.arrowtensor.CopyReason;
import io.arrowtensor.DType;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.Memory;
import io.arrowtensor.Nulls;
import io.arrowtensor.Options;
import io.arrowtensor.OwnedBatch;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/** Null in, null out, once for every function: {@link Nulls#PROPAGATE} after a function ran. */
public final class NullPropagation {
  private NullPropagation() {}

  /**
   * Makes those rows of {@code result} null that are null in any column of {@code batch}; they stay
   * null where the function said so itself. Without the policy, or without nulls, the result is
   * returned as it is.
   *
   * @param batch what the function got; borrowed
   * @param result what it returned; taken over, also when this throws
   * @param options the policy, and the allocator of the new validity
   * @return a batch that the caller closes
   */
  public static OwnedBatch apply(DeviceBatch batch, OwnedBatch result, Options options) {
    List<DeviceArray> inputs =
        batch.columns().stream().map(DeviceColumn::validity).filter(Objects::nonNull).toList();
    if (!options.nulls().equals(Nulls.PROPAGATE) || inputs.isEmpty()) {
      return result;
    }
    List<DeviceArray> masks = new ArrayList<>();
    try {
      DeviceArray shared = null;
      for (DeviceColumn column : result.columns()) {
        DeviceArray own = column.validity();
        if (own == null && shared != null) {
          masks.add(DeviceArray.from(shared));
        } else {
          List<DeviceArray> parts = new ArrayList<>(inputs);
          if (own != null) {
            parts.add(own);
          }
          DeviceArray mask = and(parts, batch.rowCount(), options);
          masks.add(mask);
          shared = own == null ? mask : shared;
        }
      }
      return withValidity(result, masks);
    } catch (RuntimeException | Error e) {
      Closing.quietly(e, masks);
      Closing.quietly(e, List.of(result));
      throw e;
    }
  }

  private static OwnedBatch withValidity(OwnedBatch result, List<DeviceArray> masks) {
    List<DeviceColumn> columns = new ArrayList<>();
    for (int i = 0; i < masks.size(); i++) {
      DeviceColumn column = result.column(i);
      if (column.validity() != null) {
        column.validity().close();
      }
      columns.add(column.withValidity(masks.get(i)));
    }
    return OwnedBatch.of(result.rowCount(), columns);
  }

  private static DeviceArray and(List<DeviceArray> masks, long rows, Options options) {
    for (DeviceArray mask : masks) {
      mask.requireHostContiguous("combine the validity in");
    }
    Memory like = Memory.borrow(0, DType.BOOL, rows);
    Memory all = BulkCopy.allocateLike(like, options, CopyReason.VALIDITY);
    BulkCopy.copy(masks.get(0).address(), all.address(), rows);
    for (DeviceArray mask : masks.subList(1, masks.size())) {
      and(mask.address(), all.address(), rows);
    }
    return DeviceArray.from(all);
  }

  private static void and(long mask, long all, long rows) {
    long done = 0;
    for (; done + 8 <= rows; done += 8) {
      long both = RawMemory.longAt(mask + done) & RawMemory.longAt(all + done);
      RawMemory.putLong(all + done, both);
    }
    for (; done < rows; done++) {
      byte both = (byte) (RawMemory.byteAt(mask + done) & RawMemory.byteAt(all + done));
      RawMemory.putByte(all + done, both);
    }
  }
}
