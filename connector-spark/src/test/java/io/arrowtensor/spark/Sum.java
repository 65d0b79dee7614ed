package io.arrowtensor.spark;

import io.arrowtensor.BatchContext;
import io.arrowtensor.BatchFunction;
import io.arrowtensor.BatchSchema;
import io.arrowtensor.BatchSchema.Column;
import io.arrowtensor.DType;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.FileAccess;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.arrow.Vectors;
import io.arrowtensor.internal.RawMemory;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.Float8Vector;

/** Adds its columns, read at their addresses. */
class Sum implements BatchFunction {
  private static final long serialVersionUID = 1;

  transient BatchContext context;

  @Override
  public BatchSchema resultSchema(BatchSchema input, FileAccess files) {
    return BatchSchema.of(Column.scalar("y", DType.FLOAT64));
  }

  @Override
  public void open(BatchContext context) throws Exception {
    this.context = context;
  }

  @Override
  public OwnedBatch apply(DeviceBatch batch) throws Exception {
    int rows = (int) batch.rowCount();
    double[] sum = new double[rows];
    for (DeviceColumn column : batch.columns()) {
      for (int i = 0; i < rows; i++) {
        sum[i] += at(column.values(), i);
      }
    }
    return OwnedBatch.of(column("y", sum, context.allocator()));
  }

  @Override
  public void close() {}

  static DeviceColumn column(String name, double[] values, BufferAllocator allocator) {
    try (Float8Vector vector = new Float8Vector(name, allocator)) {
      vector.allocateNew(values.length);
      for (int i = 0; i < values.length; i++) {
        vector.set(i, values[i]);
      }
      vector.setValueCount(values.length);
      return DeviceColumn.from(Vectors.view(vector));
    }
  }

  static double at(DeviceArray array, long i) {
    long address = array.address();
    if (array.dtype().equals(DType.FLOAT32)) {
      return RawMemory.floatAt(address + 4 * i);
    }
    if (array.dtype().equals(DType.FLOAT64)) {
      return RawMemory.doubleAt(address + 8 * i);
    }
    if (array.dtype().equals(DType.INT64)) {
      return RawMemory.longAt(address + 8 * i);
    }
    if (array.dtype().equals(DType.INT32)) {
      return RawMemory.intAt(address + 4 * i);
    }
    if (array.dtype().equals(DType.INT16)) {
      return RawMemory.shortAt(address + 2 * i);
    }
    return RawMemory.byteAt(address + i);
  }
}
