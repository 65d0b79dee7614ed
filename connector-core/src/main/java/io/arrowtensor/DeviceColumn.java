package io.arrowtensor;

import io.arrowtensor.internal.Closing;
import java.util.Arrays;
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

  private DeviceColumn(
      String name,
      ColumnKind kind,
      DeviceArray values,
      @Nullable DeviceArray validity,
      @Nullable DeviceArray offsets,
      @Nullable DeviceColumn dictionary) {
    this.name = name;
    this.kind = kind;
    this.values = values;
    this.validity = validity;
    this.offsets = offsets;
    this.dictionary = dictionary;
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
    return new DeviceColumn(name, ColumnKind.ARRAY, values, null, null, null);
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
    return new DeviceColumn(name, kind, values, null, offsets, null);
  }

  /**
   * The same with {@code validity}, one bool a row, true = value present; takes it over, and this
   * column is not used any more.
   */
  public DeviceColumn withValidity(@Nullable DeviceArray validity) {
    return new DeviceColumn(name, kind, values, validity, offsets, dictionary);
  }

  /**
   * The same with its values as indices into {@code dictionary}; takes it over, and this column is
   * not used any more.
   */
  public DeviceColumn withDictionary(DeviceColumn dictionary) {
    return new DeviceColumn(name, kind, values, validity, offsets, dictionary);
  }

  /** The same memory under another name; this column is not used any more. */
  public DeviceColumn withName(String name) {
    return new DeviceColumn(name, kind, values, validity, offsets, dictionary);
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
    Closing.all(Arrays.asList(values, validity, offsets, dictionary));
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
        + ")";
  }
}
