package io.arrowtensor;

import io.arrowtensor.internal.Closing;
import io.arrowtensor.internal.RawMemory;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A named column: values and what belongs to them. It owns its arrays: closing it closes them.
 * Immutable; safe to read from any thread.
 */
public final class DeviceColumn implements AutoCloseable {
  private final String name;
  private final ColumnKind kind;
  private final DeviceArray values;
  private final @Nullable DeviceArray validity;
  private final @Nullable DeviceArray offsets;
  private final @Nullable DeviceColumn dictionary;
  private final @Nullable TensorRows tensorRows;

  private DeviceColumn(
      String name,
      ColumnKind kind,
      DeviceArray values,
      @Nullable DeviceArray validity,
      @Nullable DeviceArray offsets,
      @Nullable DeviceColumn dictionary,
      @Nullable TensorRows tensorRows) {
    this.name = name;
    this.kind = kind;
    this.values = values;
    this.validity = validity;
    this.offsets = offsets;
    this.dictionary = dictionary;
    this.tensorRows = tensorRows;
  }

  /** As {@link #from(ColumnSource, Options)} with {@link Options#defaults()}. */
  public static DeviceColumn from(ColumnSource source) {
    return from(source, Options.defaults());
  }

  /**
   * Makes a column of any source.
   *
   * @return a column that the caller closes
   * @throws InterchangeException when the source cannot be described; everything taken has been
   *     released
   */
  public static DeviceColumn from(ColumnSource source, Options options) {
    return source.openColumn(options);
  }

  /** A column of one array with at least one dimension; takes over {@code values}. */
  public static DeviceColumn of(String name, DeviceArray values) {
    if (values.ndim() == 0) {
      throw new InterchangeException(
          "Cannot make column '"
              + name
              + "' of a 0-dimensional array: the first dimension counts the rows");
    }
    return new DeviceColumn(name, ColumnKind.ARRAY, values, null, null, null, null);
  }

  /**
   * A column of lists, strings or bytes; takes over both arrays.
   *
   * @param offsets int32 or int64, one more than there are rows
   * @throws InterchangeException for other offsets; both arrays are closed then
   */
  public static DeviceColumn of(
      String name, ColumnKind kind, DeviceArray values, DeviceArray offsets) {
    DType type = offsets.dtype();
    boolean fits = offsets.ndim() == 1 && offsets.size() > 0;
    if (!fits || !(type.equals(DType.INT32) || type.equals(DType.INT64))) {
      InterchangeException refusal =
          new InterchangeException(
              "Invalid offsets of column '"
                  + name
                  + "': expected one dimension of int32 or int64, one more than rows, got "
                  + offsets);
      Closing.quietly(refusal, Arrays.asList(values, offsets));
      throw refusal;
    }
    return new DeviceColumn(name, kind, values, null, offsets, null, null);
  }

  /**
   * A column of tensors that differ in shape; takes over all arrays.
   *
   * @param values the elements of all rows, one dimension
   * @param offsets int32 or int64, one more than there are rows
   * @throws InterchangeException when they do not fit each other; all arrays are closed then
   */
  public static DeviceColumn tensors(
      String name, DeviceArray values, DeviceArray offsets, TensorRows rows) {
    try {
      boolean fits = values.ndim() == 1 && values.isContiguous() && values.dtype().isWholeBytes();
      if (!fits || rows.shapes().dim(0) != offsets.size() - 1) {
        throw new InterchangeException(
            "Invalid tensors of column '"
                + name
                + "': expected one dimension of contiguous values and a shape for each row, got "
                + values
                + " and shapes "
                + rows.shapes());
      }
      DeviceColumn lists = of(name, ColumnKind.TENSOR, values, offsets);
      return new DeviceColumn(name, lists.kind, values, null, offsets, null, rows);
    } catch (RuntimeException | Error e) {
      Closing.quietly(e, Arrays.asList(values, offsets, rows.shapes()));
      throw e;
    }
  }

  /**
   * The same with {@code validity}, one bool a row, true = value present; takes it over, and this
   * column is not used any more.
   */
  public DeviceColumn withValidity(@Nullable DeviceArray validity) {
    return new DeviceColumn(name, kind, values, validity, offsets, dictionary, tensorRows);
  }

  /**
   * The same with its values as indices into {@code dictionary}; takes it over, and this column is
   * not used any more.
   *
   * @throws InterchangeException unless the values are one dimension of integers, one a row; both
   *     columns are closed then
   */
  public DeviceColumn withDictionary(DeviceColumn dictionary) {
    if (kind != ColumnKind.ARRAY || values.ndim() != 1 || !values.dtype().isInteger()) {
      InterchangeException refusal =
          new InterchangeException(
              "Invalid indices of column '"
                  + name
                  + "': expected one dimension of integers, one a row, got "
                  + kind
                  + " of "
                  + values);
      Closing.quietly(refusal, List.of(this, dictionary));
      throw refusal;
    }
    return new DeviceColumn(name, kind, values, validity, offsets, dictionary, tensorRows);
  }

  /** The same memory under another name; this column is not used any more. */
  public DeviceColumn withName(String name) {
    return new DeviceColumn(name, kind, values, validity, offsets, dictionary, tensorRows);
  }

  /** The name. */
  public String name() {
    return name;
  }

  /** How the arrays are to be read together. */
  public ColumnKind kind() {
    return kind;
  }

  /** The values; of lists all their elements one after the other. Closed with the column. */
  public DeviceArray values() {
    return values;
  }

  /** One bool a row, true = value present; null when no row is null. */
  public @Nullable DeviceArray validity() {
    return validity;
  }

  /**
   * Where each list or string starts and ends in {@link #values()}; null for {@link
   * ColumnKind#ARRAY}.
   */
  public @Nullable DeviceArray offsets() {
    return offsets;
  }

  /** What the values index; null when they are no indices. */
  public @Nullable DeviceColumn dictionary() {
    return dictionary;
  }

  /** The shapes of the rows; null but for {@link ColumnKind#TENSOR}. */
  public @Nullable TensorRows tensorRows() {
    return tensorRows;
  }

  /**
   * Row {@code row} of a {@link ColumnKind#TENSOR} column as an array of its own: a view in the
   * order of the logical dimensions, which holds the memory until the caller closes it. Reads the
   * row's shape and offsets, which the host must reach; the elements may be anywhere.
   *
   * @throws NullsException when the row is null
   * @throws InvalidStructException when its shape is not that of its elements
   * @throws UnsupportedTypeException for other kinds of columns
   */
  public DeviceArray tensor(long row) {
    if (tensorRows == null || offsets == null) {
      throw new UnsupportedTypeException(
          "Cannot take one tensor of column '"
              + name
              + "': it is no "
              + ColumnKind.TENSOR
              + " column but "
              + kind);
    }
    Objects.checkIndex(row, rowCount());
    if (isNull(row)) {
      throw new NullsException(
          "Cannot take row " + row + " of column '" + name + "': it is null; see validity()");
    }
    offsets.requireHostContiguous("read the offsets in");
    tensorRows.shapes().requireHostContiguous("read the shapes in");
    long start = offset(offsets, row);
    long end = offset(offsets, row + 1);
    return DeviceArray.from(options -> slice(tensorRows, values.open(options), row, start, end));
  }

  private static Memory slice(TensorRows rows, Memory values, long row, long start, long end) {
    try {
      return rows.row(values, row, start, end);
    } catch (RuntimeException | Error e) {
      values.release();
      throw e;
    }
  }

  private boolean isNull(long row) {
    if (validity == null) {
      return false;
    }
    validity.requireHostContiguous("read the validity in");
    Memory flags = validity.open(Options.defaults()); // stays while it is read
    try {
      return RawMemory.byteAt(flags.start() + row) == 0;
    } finally {
      flags.release();
    }
  }

  private static long offset(DeviceArray offsets, long index) {
    Memory starts = offsets.open(Options.defaults()); // stays while it is read
    try {
      return offsets.dtype().equals(DType.INT64)
          ? RawMemory.longAt(starts.start() + 8 * index)
          : RawMemory.intAt(starts.start() + 4 * index);
    } finally {
      starts.release();
    }
  }

  /** The number of rows. */
  public long rowCount() {
    return offsets != null ? offsets.dim(0) - 1 : values.dim(0);
  }

  /** The values alone, where the column is no more than that. */
  public DeviceArray array() {
    if (kind != ColumnKind.ARRAY || dictionary != null || validity != null) {
      String why =
          validity != null
              ? "it has nulls"
              : dictionary != null
                  ? "its values are dictionary indices"
                  : "its rows differ in length";
      throw new UnsupportedTypeException(
          "Cannot use column '"
              + name
              + "' as one array: "
              + why
              + "; read values() together with "
              + (validity != null
                  ? "validity()"
                  : dictionary != null ? "dictionary()" : "offsets()"));
    }
    return values;
  }

  /** Closes all arrays of the column. Idempotent. */
  @Override
  public void close() {
    if (validity == null && offsets == null && dictionary == null) {
      values.close(); // as nearly all
      return;
    }
    Closing.all(
        Arrays.asList(
            values,
            validity,
            offsets,
            dictionary,
            tensorRows == null ? null : tensorRows.shapes()));
  }

  /** Name, kind and arrays. */
  @Override
  public String toString() {
    return "DeviceColumn("
        + name
        + ", "
        + kind
        + ", values="
        + values
        + (validity == null ? "" : ", validity=" + validity)
        + (offsets == null ? "" : ", offsets=" + offsets)
        + (dictionary == null ? "" : ", dictionary=" + dictionary)
        + (tensorRows == null ? "" : ", tensorRows=" + tensorRows)
        + ")";
  }
}
