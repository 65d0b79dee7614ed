package io.arrowtensor.engine;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import io.arrowtensor.ColumnKind;
import io.arrowtensor.CopyReason;
import io.arrowtensor.DType;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;
import io.arrowtensor.Outcome;
import io.arrowtensor.internal.Closing;
import io.arrowtensor.internal.NativeBlock;
import io.arrowtensor.internal.Owner;
import io.arrowtensor.internal.RawMemory;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/** Columns of UTF-8 text as text tensors, and back; copied either way. */
final class OnnxStrings {
  private OnnxStrings() {}

  /**
   * A text tensor of {@code shape} with the rows of {@code column}. The caller closes it.
   *
   * @throws InterchangeException for text with U+0000 in it, at which the engine would cut it off
   */
  static OnnxTensor tensor(DeviceColumn column, long[] shape) throws OrtException {
    String[] empty = new String[Math.toIntExact(column.rowCount())];
    Arrays.fill(empty, "");
    OnnxTensor tensor = OnnxTensor.createTensor(OrtEnvironment.getEnvironment(), empty, shape);
    try {
      fill(tensor, column, empty.length);
      return tensor;
    } catch (RuntimeException | Error e) {
      Closing.quietly(e, List.of(tensor));
      throw e;
    }
  }

  private static void fill(OnnxTensor tensor, DeviceColumn column, int rows) {
    column.values().requireHostContiguous("score");
    Objects.requireNonNull(column.offsets()).requireHostContiguous("score");
    long bytes = offset(column, rows) - offset(column, 0);
    Owner scratch = NativeBlock.allocate(null, 9L * rows + bytes, 64);
    long pointers = NativeBlock.addressOf(scratch);
    try {
      long to = pointers + 8L * rows;
      for (int i = 0; i < rows; i++) {
        byte[] text = text(column, i);
        RawMemory.putLong(pointers + 8L * i, to);
        RawMemory.copyFrom(text, 0, to, text.length);
        RawMemory.putByte(to + text.length, (byte) 0);
        to += text.length + 1;
      }
      OrtText.write(tensor, pointers, rows);
    } finally {
      scratch.release();
    }
  }

  private static byte[] text(DeviceColumn column, int row) {
    long from = offset(column, row);
    byte[] text = new byte[Math.toIntExact(offset(column, row + 1L) - from)];
    RawMemory.copyInto(column.values().address() + from, text, 0, text.length);
    for (byte b : text) {
      if (b == 0) {
        throw new InterchangeException(
                "Cannot score row "
                    + row
                    + " of column '"
                    + column.name()
                    + "': its text has the character U+0000, at which ONNX Runtime would cut it off;"
                    + " replace that character first")
            .atRow(row);
      }
    }
    return text;
  }

  private static long offset(DeviceColumn column, long row) {
    DeviceArray offsets = Objects.requireNonNull(column.offsets());
    return offsets.dtype().equals(DType.INT64)
        ? RawMemory.longAt(offsets.address() + 8 * row)
        : RawMemory.intAt(offsets.address() + 4 * row);
  }

  /**
   * A string column with the rows of {@code tensor}. The caller closes it.
   *
   * @throws InterchangeException for 2 GiB of text and more
   */
  static DeviceColumn column(String name, OnnxTensor tensor, long rows, Options options) {
    long bytes = OrtText.length(tensor);
    if (bytes > Integer.MAX_VALUE) {
      throw new InterchangeException(
          "Cannot return " + bytes + " bytes of text in one column: use smaller batches");
    }
    Owner scratch = NativeBlock.allocate(null, 8 * rows, 64);
    try {
      return column(name, tensor, rows, bytes, NativeBlock.addressOf(scratch), options);
    } finally {
      scratch.release();
    }
  }

  private static DeviceColumn column(
      String name, OnnxTensor tensor, long rows, long bytes, long starts, Options options) {
    DeviceColumn column = allocate(name, bytes, rows, options);
    try {
      OrtText.read(tensor, column.values().address(), bytes, starts, rows);
      long offsets = Objects.requireNonNull(column.offsets()).address();
      for (long i = 0; i < rows; i++) {
        RawMemory.putInt(offsets + 4 * i, (int) RawMemory.longAt(starts + 8 * i));
      }
      RawMemory.putInt(offsets + 4 * rows, (int) bytes);
      return column;
    } catch (RuntimeException | Error e) {
      Closing.quietly(e, List.of(column));
      throw e;
    }
  }

  /** A string column without rows. */
  static DeviceColumn empty(String name, Options options) {
    DeviceColumn column = allocate(name, 0, 0, options);
    RawMemory.putInt(Objects.requireNonNull(column.offsets()).address(), 0);
    return column;
  }

  private static DeviceColumn allocate(String name, long bytes, long rows, Options options) {
    DeviceArray values = allocate(DType.UINT8, bytes, options);
    try {
      return DeviceColumn.of(
          name, ColumnKind.STRING, values, allocate(DType.INT32, rows + 1, options));
    } catch (RuntimeException | Error e) {
      Closing.quietly(e, List.of(values));
      throw e;
    }
  }

  private static DeviceArray allocate(DType dtype, long size, Options options) {
    Memory memory = Memory.allocate(dtype, size).open(options);
    Outcome copied = Outcome.copied(memory.nbytes(), CopyReason.ENGINE_OUTPUT);
    return DeviceArray.from(memory.withOutcome(copied));
  }
}
