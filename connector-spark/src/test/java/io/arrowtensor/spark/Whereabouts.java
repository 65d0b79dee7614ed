package io.arrowtensor.spark;

import io.arrowtensor.BatchSchema;
import io.arrowtensor.BatchSchema.Column;
import io.arrowtensor.DType;
import io.arrowtensor.Device;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.FileAccess;
import io.arrowtensor.OwnedBatch;
import java.util.Arrays;
import org.apache.spark.SparkEnv;

/** The sum of its columns, the process that added them, and the device that the task may use. */
final class Whereabouts extends Sum {
  private static final long serialVersionUID = 1;

  @Override
  public BatchSchema resultSchema(BatchSchema input, FileAccess files) {
    return BatchSchema.of(
        Column.scalar("y", DType.FLOAT64),
        Column.scalar("executor", DType.FLOAT64),
        Column.scalar("gpu", DType.FLOAT64));
  }

  @Override
  public OwnedBatch apply(DeviceBatch batch) throws Exception {
    int rows = (int) batch.rowCount();
    double[] executor = new double[rows];
    double[] gpu = new double[rows];
    Arrays.fill(executor, Double.parseDouble(SparkEnv.get().executorId()));
    Device device = context.device();
    Arrays.fill(gpu, device.equals(Device.CPU) ? -1 : device.id());
    return OwnedBatch.of(
        super.apply(batch).column(0),
        column("executor", executor, context.allocator()),
        column("gpu", gpu, context.allocator()));
  }
}
