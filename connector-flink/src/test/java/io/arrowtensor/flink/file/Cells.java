package io.arrowtensor.flink.file;

import io.arrowtensor.ColumnKind;
import io.arrowtensor.DType;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.internal.RawMemory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.vector.BaseFixedWidthVector;
import org.apache.arrow.vector.BitVector;
import org.apache.arrow.vector.ExtensionTypeVector;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.complex.FixedSizeListVector;
import org.apache.arrow.vector.complex.ListVector;

/** Values of columns and of Arrow's vectors in one notation: bits, text in hex, lists, null. */
final class Cells {
  private Cells() {}

  static List<Object> of(FieldVector vector) {
    List<Object> cells = new ArrayList<>();
    for (int i = 0; i < vector.getValueCount(); i++) {
      cells.add(cell(vector, i));
    }
    return cells;
  }

  private static Object cell(FieldVector vector, int i) {
    if (vector.isNull(i)) {
      return null;
    }
    if (vector instanceof ExtensionTypeVector<?> extension) {
      return cell((FieldVector) extension.getUnderlyingVector(), i);
    }
    if (vector instanceof BitVector bits) {
      return (long) bits.get(i);
    }
    if (vector instanceof FixedSizeListVector lists) {
      return list(lists.getDataVector(), i * lists.getListSize(), (i + 1) * lists.getListSize());
    }
    if (vector instanceof ListVector lists) {
      return list(
          lists.getDataVector(), lists.getElementStartIndex(i), lists.getElementEndIndex(i));
    }
    if (vector instanceof BaseFixedWidthVector fixed) {
      return bits(vector.getDataBuffer(), i, fixed.getTypeWidth());
    }
    Object object = vector.getObject(i);
    return HexFormat.of()
        .formatHex(
            object instanceof byte[] bytes
                ? bytes
                : object.toString().getBytes(java.nio.charset.StandardCharsets.UTF_8));
  }

  private static Object bits(ArrowBuf data, int i, int width) {
    return bits(data.memoryAddress() + (long) i * width, width);
  }

  private static long bits(long address, int width) {
    return switch (width) {
      case 1 -> RawMemory.byteAt(address);
      case 2 -> RawMemory.shortAt(address);
      case 4 -> RawMemory.intAt(address);
      default -> RawMemory.longAt(address);
    };
  }

  private static List<Object> list(FieldVector values, int start, int end) {
    List<Object> cells = new ArrayList<>();
    for (int i = start; i < end; i++) {
      cells.add(cell(values, i));
    }
    return cells;
  }

  static List<List<Object>> of(DeviceBatch batch) {
    return batch.columns().stream().map(Cells::of).toList();
  }

  static List<Object> of(DeviceColumn column) {
    List<Object> cells = new ArrayList<>();
    DeviceArray validity = column.validity();
    for (int row = 0; row < column.rowCount(); row++) {
      boolean present = validity == null || RawMemory.byteAt(validity.address() + row) != 0;
      cells.add(present ? cell(column, row) : null);
    }
    return cells;
  }

  private static Object cell(DeviceColumn column, int row) {
    DeviceArray values = column.values();
    if (column.offsets() == null) {
      return elements(values, row, values.ndim() - 1);
    }
    long start = offset(column.offsets(), row);
    long end = offset(column.offsets(), row + 1);
    if (column.kind() == ColumnKind.LIST) {
      List<Object> cells = new ArrayList<>();
      for (long i = start; i < end; i++) {
        cells.add(elements(values, i, values.ndim() - 1));
      }
      return cells;
    }
    byte[] bytes = new byte[(int) (end - start)];
    if (bytes.length > 0) {
      RawMemory.copyInto(values.address() + start, bytes, 0, bytes.length);
    }
    return HexFormat.of().formatHex(bytes);
  }

  /** Element {@code i} of the first dimensions, a list where {@code depth} more are below it. */
  private static Object elements(DeviceArray values, long i, int depth) {
    if (depth == 0) {
      int width = values.dtype().itemSize();
      return bits(values.address() + i * width, width);
    }
    long size = values.dim(values.ndim() - depth);
    List<Object> cells = new ArrayList<>();
    for (long j = 0; j < size; j++) {
      cells.add(elements(values, i * size + j, depth - 1));
    }
    return cells;
  }

  private static long offset(DeviceArray offsets, long i) {
    return offsets.dtype().equals(DType.INT64)
        ? RawMemory.longAt(offsets.address() + 8 * i)
        : RawMemory.intAt(offsets.address() + 4 * i);
  }

  /** Batches of the same columns, one behind the other. */
  static List<List<Object>> joined(List<List<List<Object>>> batches) {
    List<List<Object>> columns = new ArrayList<>();
    for (List<List<Object>> batch : batches) {
      for (int c = 0; c < batch.size(); c++) {
        if (columns.size() == c) {
          columns.add(new ArrayList<>());
        }
        columns.get(c).addAll(batch.get(c));
      }
    }
    return columns;
  }

  static List<Object> cells(Object... cells) {
    return Arrays.asList(cells);
  }
}
