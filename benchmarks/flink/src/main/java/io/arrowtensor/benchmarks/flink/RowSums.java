package io.arrowtensor.benchmarks.flink;

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
import java.nio.FloatBuffer;

/** Adds the columns of float32 of each row: loops over Java arrays, which the JIT vectorises. */
final class RowSums implements BatchFunction {
  private static final long serialVersionUID = 1;

  private transient Options options = Options.defaults();
  private transient float[] sums = new float[0];
  private transient float[] values = new float[0];

  @Override
  public BatchSchema resultSchema(BatchSchema input, FileAccess files) {
    return BatchSchema.of(Column.scalar("sum", DType.FLOAT32));
  }

  @Override
  public void open(BatchContext context) {
    options = Options.defaults().withAllocator(context.allocator());
    sums = new float[0];
    values = new float[0];
  }

  @Override
  public OwnedBatch apply(DeviceBatch batch) {
    int rows = Math.toIntExact(batch.rowCount());
    if (sums.length < rows) {
      sums = new float[rows];
      values = new float[rows];
    }
    floats(batch.columns().get(0)).get(sums, 0, rows);
    for (int c = 1; c < batch.columns().size(); c++) {
      floats(batch.columns().get(c)).get(values, 0, rows);
      add(values, sums, rows);
    }
    DeviceArray result = DeviceArray.from(Memory.allocate(DType.FLOAT32, rows), options);
    result.byteBuffer().asFloatBuffer().put(sums, 0, rows);
    return OwnedBatch.of(DeviceColumn.of("sum", result));
  }

  @Override
  public void close() {}

  private static FloatBuffer floats(DeviceColumn column) {
    return column.array().byteBuffer().asFloatBuffer();
  }

  private static void add(float[] values, float[] sums, int rows) {
    for (int i = 0; i < rows; i++) {
      sums[i] += values[i];
    }
  }
}
