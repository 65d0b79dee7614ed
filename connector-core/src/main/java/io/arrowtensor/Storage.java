package io.arrowtensor;

/** What to do with a logical type that tensors do not have. */
public enum Storage {
  /** Refuse with an {@link UnsupportedTypeException} that names the type. */
  REFUSE,
  /**
   * Hand over the stored integers of dates, times, timestamps and durations, in the unit of their
   * type.
   */
  AS_INTEGERS,
  /** As {@link #AS_INTEGERS}, and strings and binary as uint8 bytes with offsets. */
  AS_BYTES
}
