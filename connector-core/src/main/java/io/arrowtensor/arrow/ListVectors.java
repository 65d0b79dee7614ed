package io.arrowtensor.arrow;

import io.arrowtensor.ColumnKind;
import io.arrowtensor.DType;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;
import io.arrowtensor.TensorRows;
import io.arrowtensor.UnsupportedTypeException;
import io.arrowtensor.internal.ForeignBuffers;
import io.arrowtensor.internal.OnesBitmap;
import java.util.ArrayList;
import java.util.List;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.complex.LargeListVector;
import org.apache.arrow.vector.complex.ListVector;
import org.apache.arrow.vector.complex.StructVector;
import org.apache.arrow.vector.ipc.message.ArrowFieldNode;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.FieldType;
import org.jspecify.annotations.Nullable;

/** Columns of lists, strings and bytes as vectors over the same memory. */
final class ListVectors {
  private ListVectors() {}

  static FieldVector of(DeviceColumn column, BufferAllocator allocator, Options options) {
    DeviceArray offsets = column.offsets();
    if (offsets == null || column.dictionary() != null) {
      throw new UnsupportedTypeException(
          "Cannot make a vector of column '"
              + column.name()
              + "': it has a dictionary; wrap its values and its dictionary one by one");
    }
    TensorRows rows = column.tensorRows();
    if (rows != null) {
      return tensors(column, rows, offsets, allocator, options);
    }
    boolean large = offsets.dtype().equals(DType.INT64);
    return column.kind() == ColumnKind.LIST
        ? list(column, offsets, large, allocator, options)
        : bytes(column, offsets, large, allocator, options);
  }

  private static FieldVector tensors(
      DeviceColumn column,
      TensorRows rows,
      DeviceArray offsets,
      BufferAllocator allocator,
      Options options) {
    boolean large = offsets.dtype().equals(DType.INT64);
    DeviceColumn lists = column.withName(VariableTensor.DATA).withValidity(null);
    Field shape = TensorFields.nested(VariableTensor.SHAPE, rows.shapes());
    try (FieldVector data = list(lists, offsets, large, allocator, options);
        FieldVector shapes = new VectorWriter(shape, allocator, options).write(rows.shapes())) {
      FieldType type =
          new FieldType(true, new ArrowType.Struct(), null, VariableTensor.metadata(rows));
      Field field = new Field(column.name(), type, List.of(data.getField(), shapes.getField()));
      StructVector vector = (StructVector) field.createVector(allocator);
      try {
        load(vector, column, allocator, List.of());
        data.makeTransferPair(vector.getChildByOrdinal(0)).transfer();
        shapes.makeTransferPair(vector.getChildByOrdinal(1)).transfer();
        return vector;
      } catch (RuntimeException | Error e) {
        vector.close();
        throw e;
      }
    }
  }

  private static FieldVector bytes(
      DeviceColumn column,
      DeviceArray offsets,
      boolean large,
      BufferAllocator allocator,
      Options options) {
    boolean text = column.kind() == ColumnKind.STRING;
    ArrowType type =
        large
            ? (text ? new ArrowType.LargeUtf8() : new ArrowType.LargeBinary())
            : (text ? new ArrowType.Utf8() : new ArrowType.Binary());
    FieldVector vector =
        new Field(column.name(), FieldType.nullable(type), null).createVector(allocator);
    return load(vector, column, allocator, offsets, column.values(), options);
  }

  private static FieldVector list(
      DeviceColumn column,
      DeviceArray offsets,
      boolean large,
      BufferAllocator allocator,
      Options options) {
    Field values = TensorFields.nested("item", column.values());
    ArrowType type = large ? new ArrowType.LargeList() : new ArrowType.List();
    FieldVector vector =
        new Field(column.name(), FieldType.nullable(type), List.of(values)).createVector(allocator);
    try (FieldVector child = new VectorWriter(values, allocator, options).write(column.values())) {
      load(vector, column, allocator, offsets, null, options);
      FieldVector target =
          vector instanceof ListVector small
              ? small.getDataVector()
              : ((LargeListVector) vector).getDataVector();
      child.makeTransferPair(target).transfer();
      if (vector instanceof ListVector small) {
        small.setLastSet((int) column.rowCount() - 1);
      } else {
        ((LargeListVector) vector).setLastSet((int) column.rowCount() - 1);
      }
      return vector;
    } catch (RuntimeException | Error e) {
      vector.close();
      throw e;
    }
  }

  private static FieldVector load(
      FieldVector vector,
      DeviceColumn column,
      BufferAllocator allocator,
      DeviceArray offsets,
      @Nullable DeviceArray bytes,
      Options options) {
    try (ArrowBuf starts = adopt(offsets, allocator, options);
        ArrowBuf data = bytes == null ? allocator.getEmpty() : adopt(bytes, allocator, options)) {
      load(vector, column, allocator, bytes == null ? List.of(starts) : List.of(starts, data));
      return vector;
    } catch (RuntimeException | Error e) {
      vector.close();
      throw e;
    }
  }

  /** Loads the column's validity and {@code buffers}. */
  private static void load(
      FieldVector vector, DeviceColumn column, BufferAllocator allocator, List<ArrowBuf> buffers) {
    int rows = Math.toIntExact(column.rowCount());
    ArrowBuf validity = RootBatches.bitmap(column, allocator);
    try {
      List<ArrowBuf> all = new ArrayList<>(buffers);
      all.add(0, validity == null ? OnesBitmap.of(rows) : validity);
      vector.loadFieldBuffers(new ArrowFieldNode(rows, validity == null ? 0 : -1), all);
    } finally {
      if (validity != null) {
        validity.close();
      }
    }
  }

  private static ArrowBuf adopt(DeviceArray array, BufferAllocator allocator, Options options) {
    return ForeignBuffers.adopt(Memory.forExportContiguous(array, options), allocator);
  }
}
