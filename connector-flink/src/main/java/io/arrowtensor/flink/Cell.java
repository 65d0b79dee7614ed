package io.arrowtensor.flink;

import io.arrowtensor.DType;
import io.arrowtensor.Storage;

/** What one field, or one element of an array field, holds, and how a tensor holds it. */
enum Cell {
  BOOL(DType.BOOL, Storage.REFUSE),
  INT8(DType.INT8, Storage.REFUSE),
  INT16(DType.INT16, Storage.REFUSE),
  INT32(DType.INT32, Storage.REFUSE),
  INT64(DType.INT64, Storage.REFUSE),
  FLOAT32(DType.FLOAT32, Storage.REFUSE),
  FLOAT64(DType.FLOAT64, Storage.REFUSE),
  /** Days since 1970. */
  DATE(DType.INT32, Storage.AS_INTEGERS),
  /** Milliseconds of the day. */
  TIME(DType.INT32, Storage.AS_INTEGERS),
  /** Microseconds since 1970. */
  TIMESTAMP(DType.INT64, Storage.AS_INTEGERS),
  STRING(DType.UINT8, Storage.AS_BYTES),
  BINARY(DType.UINT8, Storage.AS_BYTES);

  @SuppressWarnings("ImmutableEnumChecker") // a record of immutable parts
  private final DType dtype;

  private final Storage storage;

  Cell(DType dtype, Storage storage) {
    this.dtype = dtype;
    this.storage = storage;
  }

  /** The type of one element. */
  DType dtype() {
    return dtype;
  }

  /** The least that must be asked for. */
  Storage storage() {
    return storage;
  }

  /** Whether each value has a length of its own. */
  boolean isBytes() {
    return storage == Storage.AS_BYTES;
  }
}
