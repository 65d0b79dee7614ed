package io.arrowtensor;

import java.io.Serializable;
import java.util.Arrays;
import java.util.List;

/**
 * The columns that a function gets or gives: known on the driver, before a batch exists.
 *
 * @param columns in order
 */
public record BatchSchema(List<Column> columns) implements Serializable {

  /** The size of a dimension that differs from batch to batch or from row to row. */
  public static final long DYNAMIC = -1;

  /** Copies the list. */
  public BatchSchema {
    columns = List.copyOf(columns);
  }

  /** A schema of {@code columns}. */
  public static BatchSchema of(Column... columns) {
    return new BatchSchema(List.of(columns));
  }

  /**
   * The first column called {@code name}.
   *
   * @throws InterchangeException listing the names there are
   */
  public Column column(String name) {
    for (Column column : columns) {
      if (column.name().equals(name)) {
        return column;
      }
    }
    throw new InterchangeException(
        "Cannot find column '"
            + name
            + "': the input has "
            + columns.stream().map(Column::name).toList());
  }

  /**
   * One column.
   *
   * @param name its name
   * @param kind how its parts are read
   * @param dtype type of one element; uint8 for strings and binary
   * @param rowShape dimensions of one row, none for a scalar, {@link #DYNAMIC} where they differ
   * @param nullable whether rows may be null
   */
  public record Column(
      String name, ColumnKind kind, DType dtype, List<Long> rowShape, boolean nullable)
      implements Serializable {

    /** Copies the list. */
    public Column {
      rowShape = List.copyOf(rowShape);
    }

    /** A non-null column of scalars. */
    public static Column scalar(String name, DType dtype) {
      return new Column(name, ColumnKind.ARRAY, dtype, List.of(), false);
    }

    /** A non-null column with rows of {@code rowShape}. */
    public static Column tensor(String name, DType dtype, Long... rowShape) {
      return new Column(name, ColumnKind.ARRAY, dtype, List.of(rowShape), false);
    }

    /** A column of UTF-8 strings. */
    public static Column string(String name) {
      return new Column(name, ColumnKind.STRING, DType.UINT8, List.of(), false);
    }

    /** The same, with rows that may be null or may not. */
    public Column withNullable(boolean nullable) {
      return new Column(name, kind, dtype, rowShape, nullable);
    }

    /** The description of a column that is there. */
    public static Column of(DeviceColumn column) {
      long[] shape = column.values().shape();
      TensorRows tensors = column.tensorRows();
      boolean list = column.kind() != ColumnKind.ARRAY;
      List<Long> rowShape =
          tensors != null
              ? tensors.logicalShape()
              : list ? List.of() : Arrays.stream(shape).skip(1).boxed().toList();
      return new Column(
          column.name(),
          column.kind(),
          column.values().dtype(),
          rowShape,
          column.validity() != null);
    }

    /** {@code name: float32[3]}. */
    @Override
    public String toString() {
      String type =
          kind == ColumnKind.STRING || kind == ColumnKind.BINARY
              ? kind.name().toLowerCase(java.util.Locale.ROOT)
              : dtype.toString();
      String shape = rowShape.isEmpty() ? "" : rowShape.toString().replace("-1", "?");
      return name
          + ": "
          + type
          + shape
          + (kind == ColumnKind.LIST ? "[?]" : "")
          + (nullable ? " nullable" : "");
    }
  }
}
