package io.arrowtensor.flink;

import io.arrowtensor.CopyReason;
import io.arrowtensor.DType;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.Memory;
import io.arrowtensor.Nulls;
import io.arrowtensor.NullsException;
import io.arrowtensor.Options;
import io.arrowtensor.Outcome;
import io.arrowtensor.internal.BulkCopy;
import io.arrowtensor.internal.Closing;
import io.arrowtensor.internal.RawMemory;
import io.arrowtensor.internal.Scope;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Where the values of one field are gathered: native memory of its own, used again for every batch
 * and freed by {@link #close}. One thread.
 */
abstract class ColumnBuffer implements AutoCloseable {
  final InputField field;
  final int capacity;
  final Options options;
  private final @Nullable Memory mask;
  private boolean masked;

  ColumnBuffer(InputField field, int capacity, Options options) {
    this.field = field;
    this.capacity = capacity;
    this.options = options;
    this.mask =
        field.column().nullable()
            ? BulkCopy.allocate(DType.BOOL, new long[] {capacity}, options)
            : null;
    clearMask();
  }

  private void clearMask() {
    if (mask != null) {
      RawMemory.fill(mask.address(), capacity, (byte) 1);
    }
    masked = false;
  }

  /**
   * Writes a null as the policy asks.
   *
   * @throws NullsException naming field and row where it refuses nulls
   */
  final void putNull(int row) {
    Nulls policy = options.nulls();
    if (policy.equals(Nulls.REJECT) || !field.type().nullable()) {
      throw new NullsException(
          "Cannot hand out field '"
              + field.name()
              + "' with nulls: row "
              + row
              + " of the batch is the first; filter them out"
              + (field.type().nullable()
                  ? ", or choose Options.withNulls(...)"
                  : ", or declare it nullable: it is " + field.type().text()));
    }
    if (mask != null) {
      RawMemory.putByte(mask.address() + row, (byte) 0);
      masked = true;
    }
    fill(row);
  }

  /** Writes the policy's value. */
  abstract void fill(int row);

  /** Lends the first {@code rows} rows; the caller closes the column. */
  final DeviceColumn lend(int rows, Scope scope) {
    DeviceColumn values = values(rows, scope);
    if (mask == null || !masked) {
      return values;
    }
    try {
      return values.withValidity(
          lend(mask.address(), DType.BOOL, scope, CopyReason.VALIDITY, rows));
    } catch (RuntimeException | Error e) {
      Closing.quietly(e, List.of(values));
      throw e;
    }
  }

  abstract DeviceColumn values(int rows, Scope scope);

  /** A writable array over memory of this buffer, counted as copied for {@code reason}. */
  final DeviceArray lend(long address, DType dtype, Scope scope, CopyReason reason, long... shape) {
    return DeviceArray.from(describe(address, dtype, reason, shape).withScope(scope), options);
  }

  /** What an array is lent over; the same for every batch of one size. */
  static Memory describe(long address, DType dtype, CopyReason reason, long... shape) {
    Memory memory = Memory.borrow(address, dtype, shape).withReadOnly(false);
    return memory.withOutcome(Outcome.copied(memory.nbytes(), reason));
  }

  /** Sets the rows that are null here. */
  final void addNullRows(boolean[] nulls, int rows) {
    for (int row = 0; mask != null && masked && row < rows; row++) {
      nulls[row] |= RawMemory.byteAt(mask.address() + row) == 0;
    }
  }

  /** The batch is over: the next row is row 0. */
  void clear() {
    if (masked) {
      clearMask();
    }
  }

  @Override
  public void close() {
    if (mask != null) {
      mask.release();
    }
  }
}
