package io.arrowtensor.flink;

import io.arrowtensor.CopyReason;
import io.arrowtensor.DType;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.Memory;
import io.arrowtensor.Nulls;
import io.arrowtensor.NullsException;
import io.arrowtensor.Options;
import io.arrowtensor.internal.BulkCopy;
import io.arrowtensor.internal.NullFill;
import io.arrowtensor.internal.RawMemory;
import io.arrowtensor.internal.Scope;
import io.arrowtensor.internal.Shapes;
import org.jspecify.annotations.Nullable;

/**
 * A column of arrays that all have one size within a batch, as one array of shape {@code [rows,
 * size]}, or more dimensions for arrays of arrays. The first array of a batch decides.
 */
final class TensorBuffer extends ColumnBuffer {
  private final DType dtype;
  private final ArrayReader reader;
  private @Nullable Memory memory;
  private long @Nullable [] rowShape;
  private long rowBytes;

  TensorBuffer(InputField field, ArrayReader reader, int capacity, Options options) {
    super(field, capacity, options);
    this.dtype = field.column().dtype();
    this.reader = reader;
  }

  /**
   * Copies an array.
   *
   * @throws InterchangeException naming field and row when it has another size than those before
   */
  void put(int row, Object array) {
    long[] shape = rowShape;
    if (shape == null) {
      shape = start(row, array);
    }
    write(array, shape, 0, row, address() + row * rowBytes, rowBytes);
  }

  /** Makes room for a batch of arrays like this one, and for the nulls before it. */
  private long[] start(int row, Object first) {
    long[] shape = new long[field.type().dimensions()];
    Object array = first;
    for (int d = 0; d < shape.length && array != null; d++) {
      shape[d] = reader.size(array);
      boolean deeper = d + 1 < shape.length && shape[d] > 0;
      array = deeper ? reader.child(array, 0) : null;
    }
    rowBytes = Shapes.bytes(shape, dtype);
    long bytes = Math.multiplyExact(rowBytes, (long) capacity);
    if (memory == null || memory.nbytes() < bytes) {
      close(memory);
      memory = null;
      memory = BulkCopy.allocate(DType.UINT8, new long[] {bytes}, options);
    }
    rowShape = shape;
    for (int before = 0; before < row; before++) {
      fill(before);
    }
    return shape;
  }

  private long address() {
    return memory == null ? 0 : memory.address();
  }

  private void write(Object array, long[] shape, int dimension, int row, long target, long bytes) {
    int size = reader.size(array);
    if (size != shape[dimension]) {
      throw new InterchangeException(
          "Cannot use field '"
              + field.name()
              + "' as one tensor: row "
              + row
              + " of the batch has "
              + size
              + " elements, others have "
              + shape[dimension]
              + "; pad or cut the arrays to one size");
    }
    if (dimension + 1 == shape.length) {
      reader.elements(array, field.type(), target, this, row);
      return;
    }
    long childBytes = size == 0 ? 0 : bytes / size;
    for (int i = 0; i < size; i++) {
      Object child = reader.child(array, i);
      if (child == null) {
        putNullElements(row, target + i * childBytes, childBytes);
      } else {
        write(child, shape, dimension + 1, row, target + i * childBytes, childBytes);
      }
    }
  }

  /**
   * Writes the value that stands for a null among the elements of a row.
   *
   * @throws NullsException unless the policy fills: a mask has one bool a row
   */
  void putNullElements(int row, long target, long bytes) {
    Nulls policy = options.nulls();
    if (!policy.fills() || policy.masks()) {
      throw new NullsException(
          "Cannot hand out field '"
              + field.name()
              + "' with nulls inside arrays: row "
              + row
              + " of the batch is the first; fill them with Options.withNulls(Nulls.fill(value))");
    }
    fill(target, bytes);
  }

  @Override
  void fill(int row) {
    if (rowShape != null) {
      fill(address() + row * rowBytes, rowBytes);
    }
  }

  private void fill(long address, long bytes) {
    long bits = NullFill.bits(dtype, options.nulls().fillValue());
    for (long at = address; at < address + bytes; at += dtype.itemSize()) {
      switch (dtype.itemSize()) {
        case 1 -> RawMemory.putByte(at, (byte) bits);
        case 2 -> RawMemory.putShort(at, (short) bits);
        case 4 -> RawMemory.putInt(at, (int) bits);
        default -> RawMemory.putLong(at, bits);
      }
    }
  }

  @Override
  DeviceColumn values(int rows, Scope scope) {
    long[] inner = rowShape != null ? rowShape : new long[field.type().dimensions()];
    long[] shape = new long[inner.length + 1];
    shape[0] = rows;
    System.arraycopy(inner, 0, shape, 1, inner.length);
    return DeviceColumn.of(field.name(), lend(address(), dtype, scope, CopyReason.ROWS, shape));
  }

  @Override
  void clear() {
    super.clear();
    rowShape = null;
  }

  private static void close(@Nullable Memory memory) {
    if (memory != null) {
      memory.release();
    }
  }

  @Override
  public void close() {
    super.close();
    close(memory);
  }
}
