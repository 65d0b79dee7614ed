package io.arrowtensor.flink;

import io.arrowtensor.BatchSchema.Column;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.Options;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ObjIntConsumer;
import org.apache.flink.types.RowKind;
import org.jspecify.annotations.Nullable;

/**
 * Copies the fields of elements into columns; nothing of an element is kept, so Flink may use it
 * again. One thread.
 */
abstract class ElementReader<T> implements InputReader<T> {
  private static final long serialVersionUID = 1;

  private final InputField[] fields;

  ElementReader(List<InputField> fields) {
    this.fields = fields.toArray(InputField[]::new);
  }

  final List<InputField> fields() {
    return List.of(fields);
  }

  @Override
  public final List<Column> arguments() {
    return columns(false);
  }

  @Override
  public final List<Column> kept() {
    return columns(true);
  }

  private List<Column> columns(boolean kept) {
    return fields().stream().filter(f -> f.kept() == kept).map(InputField::column).toList();
  }

  @Override
  public final boolean isNullable() {
    return fields().stream().anyMatch(field -> !field.kept() && field.type().nullable());
  }

  @Override
  public final BatchInput<T> allocate(
      int maxRows, Options options, boolean keepsElements, boolean alone) {
    return new InputBatch<>(this, maxRows, options, keepsElements);
  }

  final InputField field(int column) {
    return fields[column];
  }

  /** How arrays in elements are read. */
  abstract ArrayReader arrays();

  /** The change that an element stands for. */
  RowKind kind(T element) {
    return RowKind.INSERT;
  }

  /** Which columns lie in slots of rows, null for none. */
  @Nullable SlotLayout layout() {
    return null;
  }

  /** Copies elements into {@code columns}; made on the worker. */
  FieldCopy copyTo(ColumnBuffer[] columns) {
    List<MethodHandle> copies = new ArrayList<>();
    for (int c = 0; c < columns.length; c++) {
      copies.add(copy(fields[c], columns[c]));
    }
    return RowCopy.of(copies);
  }

  /** {@link FieldCopy#copy} of one field. */
  abstract MethodHandle copy(InputField field, ColumnBuffer buffer);

  /** Writes values that are objects, and may be null. */
  static FieldCopy objects(InputField field, ColumnBuffer buffer) {
    Cell cell = field.type().requireCell();
    ObjIntConsumer<Object> values;
    if (buffer instanceof ScalarBuffer scalars) {
      values = (value, row) -> JavaCells.put(value, cell, scalars.at(row));
    } else if (buffer instanceof TensorBuffer tensors) {
      values = (value, row) -> tensors.put(row, value);
    } else {
      BytesBuffer bytes = (BytesBuffer) buffer;
      values = (value, row) -> bytes.put(row, JavaCells.bytes(value, cell));
    }
    return (row, value) -> {
      if (value == null) {
        buffer.putNull(row);
        return;
      }
      try {
        values.accept(value, row);
      } catch (ClassCastException e) {
        throw wrongClass(field, value, e);
      }
    };
  }

  private static InterchangeException wrongClass(
      InputField field, Object value, ClassCastException e) {
    return new InterchangeException(
        "Invalid field '"
            + field.name()
            + "': it holds a "
            + value.getClass().getName()
            + ", its type is "
            + field.type().text(),
        e);
  }
}
