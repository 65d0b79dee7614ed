package io.arrowtensor.flink;

import io.arrowtensor.BatchContext;
import io.arrowtensor.BatchFunction;
import io.arrowtensor.BatchSchema;
import io.arrowtensor.BatchSchema.Column;
import io.arrowtensor.DType;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.FileAccess;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.internal.RawMemory;

/** Adds its columns, read at their addresses; arrays by their elements. */
class Sum implements BatchFunction {
  private static final long serialVersionUID = 1;

  private final String result;
  transient BatchContext context;

  Sum() {
    this("y");
  }

  /** Calls its result {@code result}. */
  Sum(String result) {
    this.result = result;
  }

  @Override
  public BatchSchema resultSchema(BatchSchema input, FileAccess files) {
    return BatchSchema.of(Column.scalar(result, DType.FLOAT64));
  }

  @Override
  public void open(BatchContext context) throws Exception {
    this.context = context;
  }

  @Override
  public OwnedBatch apply(DeviceBatch batch) throws Exception {
    DeviceArray sums = result(batch.rowCount());
    for (int row = 0; row < batch.rowCount(); row++) {
      double sum = 0;
      for (DeviceColumn column : batch.columns()) {
        DeviceArray values = column.values();
        long perRow = values.size() / Math.max(1, values.dim(0));
        for (long i = row * perRow; i < (row + 1) * perRow; i++) {
          sum += at(values, i);
        }
      }
      RawMemory.putDouble(sums.address() + 8L * row, sum);
    }
    return OwnedBatch.of(DeviceColumn.of(result, sums));
  }

  @Override
  public void close() {}

  final DeviceArray result(long rows) {
    return DeviceArray.from(
        Memory.allocate(DType.FLOAT64, rows),
        Options.defaults().withAllocator(context.allocator()));
  }

  /** Element {@code i} as a number; of one dimension by its stride. */
  static double at(DeviceArray array, long i) {
    long step = array.ndim() == 1 ? array.strides()[0] : 1;
    long address = array.address() + i * step * array.dtype().itemSize();
    if (array.dtype().equals(DType.FLOAT32)) {
      return RawMemory.floatAt(address);
    }
    if (array.dtype().equals(DType.FLOAT64)) {
      return RawMemory.doubleAt(address);
    }
    return switch (array.dtype().itemSize()) {
      case 1 -> RawMemory.byteAt(address);
      case 2 -> RawMemory.shortAt(address);
      case 4 -> RawMemory.intAt(address);
      default -> RawMemory.longAt(address);
    };
  }
}
