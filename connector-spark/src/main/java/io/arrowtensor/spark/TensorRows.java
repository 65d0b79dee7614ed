package io.arrowtensor.spark;

import io.arrowtensor.CopyReason;
import io.arrowtensor.DType;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.Memory;
import io.arrowtensor.Nulls;
import io.arrowtensor.NullsException;
import io.arrowtensor.Options;
import io.arrowtensor.UnsupportedTypeException;
import io.arrowtensor.internal.NullFill;
import io.arrowtensor.internal.RawMemory;
import io.arrowtensor.internal.Scope;
import io.arrowtensor.internal.Shapes;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.apache.spark.sql.vectorized.ColumnarArray;
import org.jspecify.annotations.Nullable;

/**
 * An array column whose rows all have the same size, as one array of shape {@code [rows, size]} or,
 * for arrays of arrays, more dimensions. Shares the elements' memory when they lie there without
 * gaps, else copies row by row.
 */
final class TensorRows {
  private final StructField field;
  private final ColumnVector vector;
  private final int rows;
  private final Options options;
  private final Scope scope;
  private final DType dtype;

  TensorRows(StructField field, ColumnVector vector, int rows, Options options, Scope scope) {
    this.field = field;
    this.vector = vector;
    this.rows = rows;
    this.options = options;
    this.scope = scope;
    DataType element = field.dataType();
    while (element instanceof ArrayType array) {
      element = array.elementType();
    }
    DType found = SparkSchemas.dtype(element, options.storage());
    if (found == null) {
      throw new UnsupportedTypeException(
          "Cannot use column '" + field.name() + "' of type " + field.dataType().simpleString());
    }
    this.dtype = found;
  }

  /**
   * The array, which the caller closes.
   *
   * @throws InterchangeException naming the first row of another size
   * @throws NullsException for a null element that the policy does not fill
   */
  DeviceArray read() {
    Dense dense = vector.hasNull() ? null : dense();
    Memory memory = dense != null && !dense.elements.hasNull() ? whole(dense) : rowByRow();
    return DeviceArray.from(memory.withScope(scope), options);
  }

  /** Elements that lie one after the other, {@code first} on, in a column of their own. */
  private record Dense(ColumnVector elements, int first, int count, List<Long> shape) {}

  /** Null when there are gaps, null arrays or arrays of different sizes. */
  private @Nullable Dense dense() {
    ColumnVector level = vector;
    int first = 0;
    int count = rows;
    List<Long> shape = new ArrayList<>(List.of((long) rows));
    for (Lists lists = Lists.of(level); lists != null; lists = Lists.of(level)) {
      int size = count == 0 ? 0 : lists.size(first);
      int start = count == 0 ? 0 : lists.start(first);
      for (int i = 0; i < count; i++) {
        if (level.isNullAt(first + i)
            || lists.size(first + i) != size
            || lists.start(first + i) != start + i * size) {
          return null;
        }
      }
      level = lists.elements();
      first = start;
      count *= size;
      shape.add((long) size);
    }
    return level.dataType() instanceof ArrayType ? null : new Dense(level, first, count, shape);
  }

  private Memory whole(Dense dense) {
    long[] shape = dense.shape.stream().mapToLong(Long::longValue).toArray();
    Memory elements = DirectValues.of(dense.elements, dtype, dense.first + dense.count);
    if (elements != null) {
      long start = elements.start() + (long) dense.first * dtype.itemSize();
      return Memory.borrow(start, dtype, shape).withOwner(elements.owner());
    }
    CopyReason reason = VectorReader.reason(dense.elements, false);
    Memory copy = Scratch.allocate(field.name(), options, reason, dtype, shape);
    ElementCopy.write(dense.elements, dense.first, dense.count, dtype, copy.address(), 0);
    return copy;
  }

  private Memory rowByRow() {
    long[] shape = shape();
    Memory copy = Scratch.allocate(field.name(), options, reason(), dtype, shape);
    try {
      long rowBytes = rows == 0 ? 0 : copy.nbytes() / rows;
      for (int row = 0; row < rows; row++) {
        long target = copy.address() + row * rowBytes;
        if (vector.isNullAt(row)) {
          fill(target, rowBytes);
        } else {
          write(vector.getArray(row), shape, 1, target, row);
        }
      }
      return copy;
    } catch (RuntimeException | Error e) {
      copy.release();
      throw e;
    }
  }

  private CopyReason reason() {
    ColumnVector level = vector;
    for (Lists lists = Lists.of(level); lists != null; lists = Lists.of(level)) {
      level = lists.elements();
    }
    return VectorReader.reason(level, vector.hasNull() || level.hasNull());
  }

  /** The shape by the first row that is not null. */
  private long[] shape() {
    List<Long> shape = new ArrayList<>(List.of((long) rows));
    int row = 0;
    while (row < rows && vector.isNullAt(row)) {
      row++;
    }
    ColumnarArray array = row < rows ? vector.getArray(row) : null;
    DataType type = field.dataType();
    while (type instanceof ArrayType level) {
      shape.add(array == null ? declaredSize(shape.size()) : (long) array.numElements());
      type = level.elementType();
      boolean deeper = type instanceof ArrayType && array != null && array.numElements() > 0;
      array = deeper && array != null ? array.getArray(0) : null;
    }
    return shape.stream().mapToLong(Long::longValue).toArray();
  }

  private long declaredSize(int dimension) {
    boolean known = dimension == 1 && field.metadata().contains(SparkSchemas.ARRAY_SIZE);
    return known ? field.metadata().getLong(SparkSchemas.ARRAY_SIZE) : 0;
  }

  private void write(ColumnarArray array, long[] shape, int dimension, long target, int row) {
    if (array.numElements() != shape[dimension]) {
      throw new InterchangeException(
          "Cannot use column '"
              + field.name()
              + "' as one tensor: row "
              + row
              + " of the batch has "
              + array.numElements()
              + " elements, others have "
              + shape[dimension]
              + "; pad or cut the arrays to one size");
    }
    long elementBytes = elementBytes(shape, dimension);
    for (int i = 0; i < array.numElements(); i++) {
      long at = target + i * elementBytes;
      if (array.isNullAt(i)) {
        requireFill(row);
        fill(at, elementBytes);
      } else if (dimension + 1 < shape.length) {
        write(array.getArray(i), shape, dimension + 1, at, row);
      } else {
        put(array, i, at);
      }
    }
  }

  private long elementBytes(long[] shape, int dimension) {
    long[] rest = java.util.Arrays.copyOfRange(shape, dimension + 1, shape.length);
    return Shapes.bytes(rest, dtype);
  }

  private void put(ColumnarArray array, int i, long at) {
    if (dtype.equals(DType.FLOAT32)) {
      RawMemory.putFloat(at, array.getFloat(i));
    } else if (dtype.equals(DType.FLOAT64)) {
      RawMemory.putDouble(at, array.getDouble(i));
    } else if (dtype.equals(DType.BOOL)) {
      RawMemory.putByte(at, (byte) (array.getBoolean(i) ? 1 : 0));
    } else if (dtype.equals(DType.INT8)) {
      RawMemory.putByte(at, array.getByte(i));
    } else if (dtype.equals(DType.INT16)) {
      RawMemory.putShort(at, array.getShort(i));
    } else if (dtype.equals(DType.INT32)) {
      RawMemory.putInt(at, array.getInt(i));
    } else {
      RawMemory.putLong(at, array.getLong(i));
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

  /** A mask has one bool a row, so a null inside a row can only be filled with a chosen value. */
  private void requireFill(int row) {
    Nulls policy = options.nulls();
    if (!policy.fills() || policy.masks()) {
      throw new NullsException(
          "Cannot hand out column '"
              + field.name()
              + "' with nulls inside arrays: row "
              + row
              + " of the batch is the first; fill them with Options.withNulls(Nulls.fill(value))");
    }
  }
}
