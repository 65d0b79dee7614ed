package io.arrowtensor.flink;

import io.arrowtensor.BatchSchema.Column;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.Options;
import java.util.List;
import org.apache.flink.types.RowKind;

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

  /**
   * Writes row {@code row} of all columns.
   *
   * @throws InterchangeException naming the field that cannot be written
   */
  abstract void read(T element, int row, ColumnBuffer[] columns);

  /** Writes one value that is an object, and may be null. */
  final void putObject(Object value, int row, int column, ColumnBuffer buffer) {
    Cell cell = fields[column].type().requireCell();
    try {
      if (value == null) {
        buffer.putNull(row);
      } else if (buffer instanceof ScalarBuffer scalars) {
        JavaCells.put(value, cell, scalars.at(row));
      } else if (buffer instanceof TensorBuffer tensors) {
        tensors.put(row, value);
      } else {
        ((BytesBuffer) buffer).put(row, JavaCells.bytes(value, cell));
      }
    } catch (ClassCastException e) {
      throw new InterchangeException(
          "Invalid field '"
              + fields[column].name()
              + "': it holds a "
              + value.getClass().getName()
              + ", its type is "
              + fields[column].type().text(),
          e);
    }
  }
}
