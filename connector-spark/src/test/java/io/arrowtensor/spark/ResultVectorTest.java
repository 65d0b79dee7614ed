package io.arrowtensor.spark;

import static org.assertj.core.api.Assertions.assertThat;

import io.arrowtensor.BatchSchema;
import io.arrowtensor.BatchSchema.Column;
import io.arrowtensor.ColumnKind;
import io.arrowtensor.CopyReason;
import io.arrowtensor.DType;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.FileAccess;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.arrow.Vectors;
import io.arrowtensor.internal.RawMemory;
import java.util.List;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.vector.VarCharVector;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Results of every type that Spark can hold, written row by row as 3 * row + k for element k. */
class ResultVectorTest {
  @AfterEach
  void nothingIsHeld() {
    Local.assertNothingHeld();
  }

  @ParameterizedTest(name = "{0} as {1}")
  @CsvSource({
    "bool, boolean, ((id % 100) * 3) % 2 = 1",
    "int8, tinyint, cast(((id % 100) * 3 + 128) % 256 - 128 as tinyint)",
    "int16, smallint, cast((id % 100) * 3 as smallint)",
    "int32, int, cast((id % 100) * 3 as int)",
    "int64, bigint, (id % 100) * 3",
    "float32, float, cast((id % 100) * 3 as float)",
    "float64, double, cast((id % 100) * 3 as double)",
    "uint8, smallint, cast(((id % 100) * 3) % 256 as smallint)",
    "uint16, int, cast((id % 100) * 3 as int)",
    "uint32, bigint, (id % 100) * 3",
  })
  void scalarsComeBackAsSparksType(String dtype, String type, String expected) {
    Dataset<Row> scored = run(new Written(dtype, new long[0]));
    assertThat(scored.schema().apply("y").dataType().simpleString()).as("type").isEqualTo(type);
    assertThat(scored.where("not (y <=> (" + expected + "))").count()).as("wrong rows").isZero();
  }

  @Test
  void laterDimensionsAreArrays() {
    Dataset<Row> scored = run(new Written("float32", new long[] {2, 3}));
    assertThat(scored.schema().apply("y").dataType().simpleString())
        .as("type")
        .isEqualTo("array<array<float>>");
    assertThat(scored.where("size(y) = 2 and size(y[1]) = 3").count())
        .as("rows of the shape")
        .isEqualTo(Local.ROWS);
    assertThat(scored.where("y[1][2] <> (id % 100) * 3 + 5").count()).as("wrong rows").isZero();
  }

  @Test
  void arraysFromOneCallReachTheNextWithoutCopy() {
    Dataset<Row> embedded = run(new Written("float32", new long[] {2, 3}));
    Dataset<Row> scored =
        Tensors.map(embedded.withColumnRenamed("y", "v"), new RowSum(), Options.defaults(), "v");
    assertThat(scored.where("y <> 6 * ((id % 100) * 3) + 15").count()).as("wrong rows").isZero();
    assertThat(scored.collectAsList()).as("rows").hasSize(Local.ROWS);
    assertThat(Local.metric(scored, CallMetrics.ZERO_COPY))
        .as("bytes without copy, those of the six floats at least")
        .isGreaterThanOrEqualTo(6L * 4 * Local.ROWS);
    assertThat(Local.metric(scored, CallMetrics.copied(CopyReason.ROWS))).as("copied").isZero();
  }

  @Test
  void textComesBackAsStrings() {
    Dataset<Row> scored = run(new Text());
    assertThat(scored.where("y <> concat('row ', id)").count()).as("wrong rows").isZero();
  }

  @Test
  void aResultsOwnNullsAreNulls() {
    Dataset<Row> scored = run(new WithNulls());
    assertThat(scored.where("(y is null) <> (id % 2 = 0)").count()).as("wrong rows").isZero();
  }

  private static Dataset<Row> run(Sum function) {
    return Tensors.map(Local.SPARK.table("t").select("id"), function, Options.defaults(), "id");
  }

  private static class Written extends Sum {
    private static final long serialVersionUID = 1;
    private final String dtype;
    private final long[] rowShape;

    Written(String dtype, long[] rowShape) {
      this.dtype = dtype;
      this.rowShape = rowShape;
    }

    private DType dtype() {
      return List.of(
              DType.BOOL,
              DType.INT8,
              DType.INT16,
              DType.INT32,
              DType.INT64,
              DType.FLOAT32,
              DType.FLOAT64,
              DType.UINT8,
              DType.UINT16,
              DType.UINT32)
          .stream()
          .filter(d -> d.toString().equals(dtype))
          .findFirst()
          .orElseThrow();
    }

    @Override
    public BatchSchema resultSchema(BatchSchema input, FileAccess files) {
      Long[] shape = java.util.Arrays.stream(rowShape).boxed().toArray(Long[]::new);
      return BatchSchema.of(Column.tensor("y", dtype(), shape));
    }

    @Override
    public OwnedBatch apply(DeviceBatch batch) {
      long perRow = java.util.Arrays.stream(rowShape).reduce(1, (x, y) -> x * y);
      int width = dtype().itemSize();
      ArrowBuf buffer = context.allocator().buffer(batch.rowCount() * perRow * width);
      for (long row = 0; row < batch.rowCount(); row++) {
        long id = RawMemory.longAt(batch.column(0).values().address() + 8 * row);
        for (long k = 0; k < perRow; k++) {
          put(buffer.memoryAddress() + (row * perRow + k) * width, (id % 100) * 3 + k);
        }
      }
      long[] shape = new long[rowShape.length + 1];
      shape[0] = batch.rowCount();
      System.arraycopy(rowShape, 0, shape, 1, rowShape.length);
      Memory memory =
          Memory.borrow(buffer.memoryAddress(), dtype(), shape).withOwner(buffer::close);
      return OwnedBatch.of(DeviceColumn.of("y", DeviceArray.from(memory)));
    }

    private void put(long address, long value) {
      if (dtype().equals(DType.FLOAT32)) {
        RawMemory.putFloat(address, (float) value);
      } else if (dtype().equals(DType.FLOAT64)) {
        RawMemory.putDouble(address, (double) value);
      } else if (dtype().equals(DType.BOOL)) {
        RawMemory.putByte(address, (byte) (value % 2));
      } else if (dtype().itemSize() == 1) {
        RawMemory.putByte(address, (byte) value);
      } else if (dtype().itemSize() == 2) {
        RawMemory.putShort(address, (short) value);
      } else if (dtype().itemSize() == 4) {
        RawMemory.putInt(address, (int) value);
      } else {
        RawMemory.putLong(address, value);
      }
    }
  }

  private static final class RowSum extends Sum {
    private static final long serialVersionUID = 1;

    @Override
    public OwnedBatch apply(DeviceBatch batch) {
      DeviceArray tensor = batch.column(0).array();
      assertThat(tensor.shape()).as("shape").containsExactly(batch.rowCount(), 2, 3);
      double[] sums = new double[(int) batch.rowCount()];
      for (int i = 0; i < 6 * sums.length; i++) {
        sums[i / 6] += at(tensor, i);
      }
      return OwnedBatch.of(column("y", sums, context.allocator()));
    }
  }

  private static final class Text extends Sum {
    private static final long serialVersionUID = 1;

    @Override
    public BatchSchema resultSchema(BatchSchema input, FileAccess files) {
      return BatchSchema.of(Column.string("y"));
    }

    @Override
    public OwnedBatch apply(DeviceBatch batch) {
      try (VarCharVector text = new VarCharVector("y", context.allocator())) {
        text.allocateNew();
        for (int row = 0; row < batch.rowCount(); row++) {
          long id = RawMemory.longAt(batch.column(0).values().address() + 8L * row);
          text.setSafe(row, ("row " + id).getBytes(java.nio.charset.StandardCharsets.UTF_8));
        }
        text.setValueCount((int) batch.rowCount());
        DeviceColumn column =
            DeviceColumn.from(
                Vectors.view(text),
                Options.defaults().withStorage(io.arrowtensor.Storage.AS_BYTES));
        assertThat(column.kind()).as("kind").isEqualTo(ColumnKind.STRING);
        return OwnedBatch.of(column);
      }
    }
  }

  private static final class WithNulls extends Sum {
    private static final long serialVersionUID = 1;

    @Override
    public BatchSchema resultSchema(BatchSchema input, FileAccess files) {
      return BatchSchema.of(Column.scalar("y", DType.FLOAT64).withNullable(true));
    }

    @Override
    public OwnedBatch apply(DeviceBatch batch) {
      int rows = (int) batch.rowCount();
      ArrowBuf valid = context.allocator().buffer(rows);
      for (int row = 0; row < rows; row++) {
        long id = RawMemory.longAt(batch.column(0).values().address() + 8L * row);
        valid.setByte(row, (byte) (id % 2));
      }
      DeviceArray validity =
          DeviceArray.from(
              Memory.borrow(valid.memoryAddress(), DType.BOOL, rows).withOwner(valid::close));
      return OwnedBatch.of(
          column("y", new double[rows], context.allocator()).withValidity(validity));
    }
  }
}
