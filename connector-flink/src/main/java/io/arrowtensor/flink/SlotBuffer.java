package io.arrowtensor.flink;

import io.arrowtensor.CopyReason;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;
import io.arrowtensor.internal.RawMemory;
import io.arrowtensor.internal.Scope;
import java.nio.ByteBuffer;

/** A column of scalars in the slots of rows, which lie in one slab with all such columns. */
final class SlotBuffer extends ColumnBuffer {
  private final ByteBuffer slab;
  private final ByteBuffer bytes;
  private final int step;
  private Memory described;

  /**
   * @param slab {@code capacity} rows of {@code layout}; {@link ColumnBuffers} frees it
   */
  SlotBuffer(InputField field, SlotLayout layout, ByteBuffer slab, int capacity, Options options) {
    super(field, capacity, options);
    int offset = layout.offset(field);
    this.slab = slab;
    this.bytes = slab.slice(offset, slab.capacity() - offset).order(slab.order());
    this.step = layout.rowBytes() / field.column().dtype().itemSize();
    this.described = describe(capacity);
  }

  /** The rows, from the first slot on. */
  ByteBuffer slab() {
    return slab;
  }

  /** The same from this column's first value on, in native order. */
  ByteBuffer bytes() {
    return bytes;
  }

  /** Values of this type from one row's to the next one's. */
  int step() {
    return step;
  }

  @Override
  void fill(int row) {
    throw new AssertionError("a field that may be null lies in no slot");
  }

  @Override
  DeviceColumn values(int rows, Scope scope) {
    if (described.shape()[0] != rows) {
      described = describe(rows);
    }
    return DeviceColumn.of(field.name(), DeviceArray.from(described.withScope(scope), options));
  }

  private Memory describe(int rows) {
    long address = RawMemory.addressOf(bytes);
    return describe(address, field.column().dtype(), CopyReason.ROWS, rows).withStrides(step);
  }
}
