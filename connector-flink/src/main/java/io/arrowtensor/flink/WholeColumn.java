package io.arrowtensor.flink;

import io.arrowtensor.ColumnKind;
import io.arrowtensor.Copy;
import io.arrowtensor.CopyReason;
import io.arrowtensor.CopyRefusedException;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.Memory;
import io.arrowtensor.Nulls;
import io.arrowtensor.NullsException;
import io.arrowtensor.Options;
import io.arrowtensor.internal.BulkCopy;
import io.arrowtensor.internal.Columns;
import io.arrowtensor.internal.NullFill;
import io.arrowtensor.internal.Scope;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A column of an element on its way to a function: shared, copied only to fill its nulls. */
final class WholeColumn {
  private final DeviceColumn column;
  private final Options options;
  private final Scope scope;

  WholeColumn(DeviceColumn column, Options options, Scope scope) {
    this.column = column;
    this.options = options;
    this.scope = scope;
  }

  /**
   * The column for the time of the scope, its nulls as the policy asks; the caller closes it.
   *
   * @throws NullsException naming the column and its first null row where the policy refuses
   */
  DeviceColumn lend() {
    Nulls policy = options.nulls();
    DeviceArray validity = column.validity();
    if (validity == null || policy.equals(Nulls.ASSUME_NONE) || RowMarks.firstUnset(validity) < 0) {
      return view(column.withValidity(null), null);
    }
    boolean fills = policy.fills() && column.kind() == ColumnKind.ARRAY;
    if (!fills && !policy.masks()) {
      int row = RowMarks.firstUnset(validity);
      throw new NullsException(
              "Cannot hand out column '"
                  + column.name()
                  + "' with nulls: row "
                  + row
                  + " of the batch is the first; filter them out, or choose Options.withNulls("
                  + (column.kind() == ColumnKind.ARRAY ? "..." : "Nulls.MASK")
                  + ")")
          .atRow(row);
    }
    return view(column.withValidity(policy.masks() ? validity : null), fills ? validity : null);
  }

  /**
   * {@code shown} over the same memory, read-only, as others may have the element, too; with {@code
   * mask} over a copy of its values.
   */
  private DeviceColumn view(DeviceColumn shown, @Nullable DeviceArray mask) {
    DeviceBatch batch = new DeviceBatch(shown.rowCount(), List.of(shown));
    return Columns.map(
            batch,
            array ->
                mask != null && array == shown.values()
                    ? filled(array, mask)
                    : array.open(Options.defaults()).withReadOnly(true).withScope(scope),
            options)
        .column(0);
  }

  private Memory filled(DeviceArray values, DeviceArray mask) {
    values.device().requireHostAccessible("fill the nulls of column '" + column.name() + "'");
    if (options.copy() == Copy.NEVER) {
      throw new CopyRefusedException(
          "Cannot share column '"
              + column.name()
              + "': a copy is needed ("
              + CopyReason.NULL_FILL
              + ") and Copy.NEVER forbids it; allow it with Options.withCopy(Copy.IF_NEEDED)");
    }
    Memory source = values.open(Options.defaults());
    Memory copy;
    try {
      copy = BulkCopy.rowMajor(source, options, CopyReason.NULL_FILL);
    } finally {
      source.release();
    }
    try {
      long rows = mask.size();
      double value = options.nulls().fillValue();
      NullFill.fill(
          copy.address(), values.dtype(), rows, values.size() / rows, mask.address(), value);
      return copy.withScope(scope);
    } catch (RuntimeException | Error e) {
      copy.release();
      throw e;
    }
  }
}
