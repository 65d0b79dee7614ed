package io.arrowtensor;

/** Why bytes were not handed over at their own address. */
public enum CopyReason {
  /** The caller asked for {@link Copy#ALWAYS}. */
  REQUESTED,
  /** The memory lived on another device than the one asked for. */
  TRANSFER,
  /** The memory is not aligned as {@link Options#alignment()} asks. */
  ALIGNMENT,
  /** The strides do not fit the target, which needs row-major contiguous memory. */
  NOT_CONTIGUOUS,
  /** Write access was asked for on memory that is read-only. */
  READ_ONLY,
  /** Bit-packed booleans became one byte each, or back. */
  BIT_PACKED,
  /** Null slots were filled with a value. */
  NULL_FILL,
  /** A validity bitmap became one byte a row, or back. */
  VALIDITY,
  /** Columns were gathered into one matrix. */
  PACKED,
  /** Elements were converted to another type. */
  CAST,
  /** Borrowed memory had to outlive its batch. */
  BORROWED,
  /** The values lay on the Java heap. */
  ON_HEAP,
  /** The values were held as rows or behind getters. */
  ROWS,
  /** A constant or all-null column was written out. */
  CONSTANT,
  /** Offsets or dictionary indices were rewritten. */
  OFFSETS,
  /**
   * Dictionary-encoded values were looked up. Counted as decoded, not copied: there was no plain
   * form to share.
   */
  DICTIONARY,
  /** The engine returns its result in memory of its own. */
  ENGINE_OUTPUT
}
