package io.arrowtensor.engine;

import io.arrowtensor.ColumnKind;
import io.arrowtensor.CopyReason;
import io.arrowtensor.DType;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;
import io.arrowtensor.internal.BulkCopy;
import io.arrowtensor.internal.Closing;
import io.arrowtensor.internal.RawMemory;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;

/** Columns of UTF-8 text as the Java strings that ONNX Runtime takes and gives. */
final class OnnxStrings {
  private OnnxStrings() {}

  /**
   * The rows of a string column.
   *
   * @throws InterchangeException for text that ONNX Runtime's Java API does not pass on unharmed
   */
  static String[] read(DeviceColumn column) {
    DeviceArray values = column.values();
    DeviceArray offsets = Objects.requireNonNull(column.offsets());
    values.requireHostContiguous("score");
    offsets.requireHostContiguous("score");
    boolean wide = offsets.dtype().equals(DType.INT64);
    String[] rows = new String[Math.toIntExact(column.rowCount())];
    for (int i = 0; i < rows.length; i++) {
      long from = offset(offsets.address(), wide, i);
      byte[] text = new byte[Math.toIntExact(offset(offsets.address(), wide, i + 1L) - from)];
      RawMemory.copyInto(values.address() + from, text, 0, text.length);
      rows[i] = checked(new String(text, StandardCharsets.UTF_8), column.name(), i);
    }
    return rows;
  }

  private static long offset(long address, boolean wide, long index) {
    return wide ? RawMemory.longAt(address + 8 * index) : RawMemory.intAt(address + 4 * index);
  }

  /** ONNX Runtime's Java API hands strings over in JNI's modified UTF-8. */
  private static String checked(String text, String column, int row) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == 0 || Character.isSurrogate(c)) {
        throw new InterchangeException(
            "Cannot score '"
                + text
                + "' in row "
                + row
                + " of column '"
                + column
                + "': ONNX Runtime's Java API changes U+0000 and characters beyond U+FFFF on the"
                + " way to the model; replace them first");
      }
    }
    return text;
  }

  /** A string column over new memory. */
  static DeviceColumn column(String name, String[] rows, Options options) {
    byte[][] texts = new byte[rows.length][];
    long bytes = 0;
    for (int i = 0; i < rows.length; i++) {
      texts[i] = rows[i].getBytes(StandardCharsets.UTF_8);
      bytes += texts[i].length;
    }
    if (bytes > Integer.MAX_VALUE) {
      throw new InterchangeException(
          "Cannot return " + bytes + " bytes of text in one column: use smaller batches");
    }
    DeviceArray values = allocate(DType.UINT8, bytes, options);
    try {
      DeviceArray offsets = allocate(DType.INT32, rows.length + 1L, options);
      write(texts, values.address(), offsets.address());
      return DeviceColumn.of(name, ColumnKind.STRING, values, offsets);
    } catch (RuntimeException | Error e) {
      Closing.quietly(e, List.of(values));
      throw e;
    }
  }

  private static DeviceArray allocate(DType dtype, long size, Options options) {
    return DeviceArray.from(
        BulkCopy.allocateLike(Memory.borrow(0, dtype, size), options, CopyReason.ENGINE_OUTPUT));
  }

  private static void write(byte[][] texts, long values, long offsets) {
    int end = 0;
    RawMemory.putInt(offsets, 0);
    for (int i = 0; i < texts.length; i++) {
      RawMemory.copyFrom(texts[i], 0, values + end, texts[i].length);
      end += texts[i].length;
      RawMemory.putInt(offsets + 4L * (i + 1), end);
    }
  }
}
