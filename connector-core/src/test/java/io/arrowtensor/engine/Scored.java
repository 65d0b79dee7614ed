package io.arrowtensor.engine;

import io.arrowtensor.BatchSchema;
import io.arrowtensor.DType;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.FileAccess;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.internal.HalfFloat;
import io.arrowtensor.internal.RawMemory;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/** A model opened in a task as an engine would: types first, then data. */
final class Scored implements AutoCloseable {
  final OnnxFunction function;
  final BatchSchema schema;

  Scored(ScoringTask task, String model, BatchSchema.Column... columns) {

    this.function = OnnxFunction.of(ScoringTask.model(model));
    this.schema = function.resultSchema(BatchSchema.of(columns), FileAccess.LOCAL);
    function.open(task);
  }

  /** Opens {@code model} for the columns of {@code batch}. */
  Scored(ScoringTask task, String model, OwnedBatch batch) {
    this(task, model, batch.schema().columns().toArray(new BatchSchema.Column[0]));
  }

  OwnedBatch apply(OwnedBatch batch) {
    return function.apply(batch);
  }

  /** Every element as a double. */
  static double[] numbers(DeviceColumn column) {
    DeviceArray values = column.values();
    double[] numbers = new double[(int) values.size()];
    for (int i = 0; i < numbers.length; i++) {
      long at = values.address() + (long) i * values.dtype().itemSize();
      numbers[i] = number(values.dtype(), at);
    }
    return numbers;
  }

  private static double number(DType dtype, long at) {
    return switch (dtype.toString()) {
      case "bool", "uint8" -> RawMemory.byteAt(at) & 0xff;
      case "int8" -> RawMemory.byteAt(at);
      case "int16" -> RawMemory.shortAt(at);
      case "uint16" -> RawMemory.shortAt(at) & 0xffff;
      case "int32" -> RawMemory.intAt(at);
      case "uint32" -> RawMemory.intAt(at) & 0xffff_ffffL;
      case "int64" -> RawMemory.longAt(at);
      case "float16" -> HalfFloat.value(RawMemory.shortAt(at));
      case "bfloat16" -> HalfFloat.bfloatValue(RawMemory.shortAt(at));
      case "float32" -> RawMemory.floatAt(at);
      case "float64" -> RawMemory.doubleAt(at);
      default -> throw new AssertionError("no test reads " + dtype);
    };
  }

  static List<String> texts(DeviceColumn column) {
    long offsets = Objects.requireNonNull(column.offsets()).address();
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < column.rowCount(); i++) {
      int from = RawMemory.intAt(offsets + 4L * i);
      byte[] text = new byte[RawMemory.intAt(offsets + 4L * (i + 1)) - from];
      RawMemory.copyInto(column.values().address() + from, text, 0, text.length);
      texts.add(new String(text, StandardCharsets.UTF_8));
    }
    return texts;
  }

  @Override
  public void close() {
    function.close();
  }
}
