package io.arrowtensor.spark;

import io.arrowtensor.CopyReason;
import io.arrowtensor.DType;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.Memory;
import io.arrowtensor.Nulls;
import io.arrowtensor.NullsException;
import io.arrowtensor.Options;
import io.arrowtensor.UnsupportedTypeException;
import io.arrowtensor.internal.BulkCopy;
import io.arrowtensor.internal.Native;
import io.arrowtensor.internal.Scope;
import java.nio.ByteBuffer;
import org.apache.spark.sql.execution.vectorized.ConstantColumnVector;
import org.apache.spark.sql.execution.vectorized.OnHeapColumnVector;
import org.apache.spark.sql.execution.vectorized.WritableColumnVector;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.BinaryType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StringType;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.vectorized.ArrowColumnVector;
import org.apache.spark.sql.vectorized.ColumnVector;

/**
 * One vector of a batch as a column, under the caller's policies; lent for a scope. Shares the
 * vector's memory where it has an address, else copies, counted.
 */
final class VectorReader {
  private final StructField field;
  private final ColumnVector vector;
  private final int rows;
  private final Options options;
  private final Scope scope;

  /** {@code options} name the allocator of copies. */
  VectorReader(StructField field, ColumnVector vector, int rows, Options options, Scope scope) {
    this.field = field;
    this.vector = vector;
    this.rows = rows;
    this.options = options;
    this.scope = scope;
  }

  /**
   * The column, which the caller closes.
   *
   * @throws NullsException naming the first null row where the policy refuses nulls
   */
  DeviceColumn read() {
    boolean nulls = !options.nulls().equals(Nulls.ASSUME_NONE) && vector.hasNull();
    if (nulls && options.nulls().equals(Nulls.REJECT)) {
      throw new NullsException(
          "Cannot hand out column '"
              + field.name()
              + "' with nulls: row "
              + firstNull()
              + " of the batch is the first; filter them out, or choose Options.withNulls(...)");
    }
    DeviceColumn values = values(nulls);
    try {
      return nulls && options.nulls().masks() ? values.withValidity(validity()) : values;
    } catch (RuntimeException | Error e) {
      values.close();
      throw e;
    }
  }

  private DeviceColumn values(boolean nulls) {
    if (field.dataType() instanceof StringType || field.dataType() instanceof BinaryType) {
      return StringColumn.read(field, vector, rows, options, scope);
    }
    if (field.dataType() instanceof ArrayType) {
      return DeviceColumn.of(
          field.name(), new TensorRows(field, vector, rows, options, scope).read());
    }
    DType dtype = SparkSchemas.dtype(field.dataType(), options.storage());
    if (dtype == null) {
      throw new UnsupportedTypeException(
          "Cannot use column '" + field.name() + "' of type " + field.dataType().simpleString());
    }
    Memory direct = nulls && options.nulls().fills() ? null : DirectValues.of(vector, dtype, rows);
    Memory memory = direct != null ? direct : copy(dtype, nulls);
    return DeviceColumn.of(field.name(), DeviceArray.from(memory.withScope(scope), options));
  }

  private Memory copy(DType dtype, boolean nulls) {
    CopyReason reason = reason(vector, nulls);
    Memory copy = Scratch.allocate(field.name(), options, reason, dtype, rows);
    ElementCopy.write(vector, 0, rows, dtype, copy.address(), options.nulls().fillValue());
    return copy;
  }

  /** Why the values of {@code vector} cannot be shared. */
  static CopyReason reason(ColumnVector vector, boolean nulls) {
    if (vector instanceof ConstantColumnVector) {
      return CopyReason.CONSTANT;
    }
    if (vector instanceof WritableColumnVector writable) {
      if (writable.isAllNull()) {
        return CopyReason.CONSTANT;
      }
      if (writable.hasDictionary()) {
        return CopyReason.DICTIONARY;
      }
      if (vector.getClass() == OnHeapColumnVector.class) {
        return CopyReason.ON_HEAP;
      }
    }
    if (vector.getClass() == ArrowColumnVector.class
        && vector.dataType().equals(DataTypes.BooleanType)) {
      return CopyReason.BIT_PACKED;
    }
    return nulls ? CopyReason.NULL_FILL : CopyReason.ROWS;
  }

  private DeviceArray validity() {
    Memory mask =
        BulkCopy.allocateLike(Memory.borrow(0, DType.BOOL, rows), options, CopyReason.VALIDITY);
    ByteBuffer bytes = Native.byteBuffer(mask.address(), rows);
    for (int row = 0; row < rows; row++) {
      bytes.put(row, (byte) (vector.isNullAt(row) ? 0 : 1));
    }
    return DeviceArray.from(mask.withScope(scope), options);
  }

  private int firstNull() {
    int row = 0;
    while (row < rows && !vector.isNullAt(row)) {
      row++;
    }
    return row;
  }
}
