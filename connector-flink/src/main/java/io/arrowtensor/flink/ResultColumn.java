package io.arrowtensor.flink;

import io.arrowtensor.BatchSchema.Column;
import io.arrowtensor.ColumnKind;
import io.arrowtensor.DType;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.TypeCode;
import io.arrowtensor.internal.RawMemory;
import org.apache.flink.table.data.ArrayData;
import org.apache.flink.table.data.GenericArrayData;
import org.jspecify.annotations.Nullable;

/** One column of a result, read at its own address. One thread. */
final class ResultColumn {
  private final Column promised;
  private final int width;
  private final @Nullable Cell scalar;
  private final boolean unsigned;
  private long address;
  private long[] shape = new long[0];
  private long validity;
  private long offsets;
  private boolean wideOffsets;

  ResultColumn(Column promised) {
    this.promised = promised;
    this.width = promised.dtype().itemSize();
    boolean isScalar = promised.kind() == ColumnKind.ARRAY && promised.rowShape().isEmpty();
    this.scalar = isScalar ? ResultTypes.cell(promised) : null;
    this.unsigned = promised.dtype().code().equals(TypeCode.UINT);
  }

  /**
   * Reads {@code column} from now on, which must stay open.
   *
   * @throws InterchangeException when it is not what the function promised
   */
  void load(DeviceColumn column, long rows) {
    Promise.require("result", promised, column, rows);
    address = hostAddress(column.values());
    shape = column.values().shape();
    validity = hostAddress(column.validity());
    DeviceArray positions = column.offsets();
    offsets = hostAddress(positions);
    wideOffsets = positions != null && positions.dtype().equals(DType.INT64);
  }

  private static long hostAddress(@Nullable DeviceArray array) {
    if (array == null) {
      return 0;
    }
    array.requireHostContiguous("return");
    return array.address();
  }

  boolean isNull(int row) {
    return validity != 0 && RawMemory.byteAt(validity + row) == 0;
  }

  /** The address of a scalar that Flink reads as {@code type}. */
  long at(int row, Cell type) {
    return type == scalar ? address + (long) row * width : refuse(type.dtype().toString());
  }

  /** Whether elements are half as wide as what Flink reads them as, and unsigned. */
  boolean isUnsigned() {
    return unsigned;
  }

  /** What is read without a check is read beyond the column. */
  private long refuse(String what) {
    throw new ClassCastException(
        "Cannot read " + what + " from result column " + promised + ": ask for its own type");
  }

  /** The bytes of a string or binary value. A copy. */
  byte[] bytes(int row) {
    if (promised.kind() != ColumnKind.STRING && promised.kind() != ColumnKind.BINARY) {
      refuse("bytes");
    }
    long start = offset(row);
    byte[] bytes = new byte[Math.toIntExact(offset(row + 1) - start)];
    RawMemory.copyInto(address + start, bytes, 0, bytes.length);
    return bytes;
  }

  private long offset(int row) {
    return wideOffsets ? RawMemory.longAt(offsets + 8L * row) : RawMemory.intAt(offsets + 4L * row);
  }

  /** The elements of an array. A copy. */
  ArrayData array(int row) {
    if (promised.kind() == ColumnKind.LIST) {
      long start = offset(row);
      int size = Math.toIntExact(offset(row + 1) - start);
      return JavaElements.read(promised.dtype(), address + start * width, size);
    }
    if (scalar != null || promised.kind() != ColumnKind.ARRAY) {
      refuse("an array");
    }
    long rowElements = 1;
    for (int d = 1; d < shape.length; d++) {
      rowElements *= shape[d];
    }
    return array(address + row * rowElements * width, 1, rowElements);
  }

  private ArrayData array(long from, int dimension, long count) {
    int size = Math.toIntExact(shape[dimension]);
    if (dimension + 1 == shape.length) {
      return JavaElements.read(promised.dtype(), from, size);
    }
    Object[] children = new Object[size];
    long childCount = size == 0 ? 0 : count / size;
    for (int i = 0; i < size; i++) {
      children[i] = array(from + i * childCount * width, dimension + 1, childCount);
    }
    return new GenericArrayData(children);
  }
}
