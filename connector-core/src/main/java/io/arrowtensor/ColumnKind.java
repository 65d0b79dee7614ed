package io.arrowtensor;

/** How the parts of a {@link DeviceColumn} are to be read. */
public enum ColumnKind {
  /**
   * One array whose first dimension counts the rows; with a dictionary, its integers are indices
   * into that.
   */
  ARRAY,
  /** Row i is {@code values[offsets[i]] .. values[offsets[i + 1]]}. */
  LIST,
  /** As {@link #LIST} over uint8 values that are UTF-8 text. */
  STRING,
  /** As {@link #LIST} over uint8 values that are plain bytes. */
  BINARY,
  /**
   * As {@link #LIST}, each row a tensor with a shape of its own ({@link
   * DeviceColumn#tensorRows()}); {@link DeviceColumn#tensor(long)} gives one of them.
   */
  TENSOR
}
