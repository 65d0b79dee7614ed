package io.arrowtensor.spark;

import io.arrowtensor.BatchSchema;
import io.arrowtensor.BatchSchema.Column;
import io.arrowtensor.DType;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.FileAccess;
import io.arrowtensor.OwnedBatch;

/** Two results: the sum and the product of two columns. */
final class SumAndProduct extends Sum {
  private static final long serialVersionUID = 1;

  @Override
  public BatchSchema resultSchema(BatchSchema input, FileAccess files) {
    return BatchSchema.of(
        Column.scalar("total", DType.FLOAT64), Column.scalar("product", DType.FLOAT64));
  }

  @Override
  public OwnedBatch apply(DeviceBatch batch) throws Exception {
    int rows = (int) batch.rowCount();
    double[] sum = new double[rows];
    double[] product = new double[rows];
    for (int i = 0; i < rows; i++) {
      double first = at(batch.column(0).values(), i);
      double second = at(batch.column(1).values(), i);
      sum[i] = first + second;
      product[i] = first * second;
    }
    return OwnedBatch.of(
        column("total", sum, context.allocator()), column("product", product, context.allocator()));
  }
}
