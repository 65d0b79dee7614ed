package io.arrowtensor.flink;

import io.arrowtensor.DeviceBatch;
import io.arrowtensor.OwnedBatch;

/** What a function made of one batch, until it has been emitted. One thread at a time. */
interface Results extends AutoCloseable {

  /**
   * Takes over {@code results} unless this throws.
   *
   * @param lent what the function got, and the kept columns behind that; lent until this returns
   * @param input the batch
   * @param nullRows rows of which every result is null
   * @throws io.arrowtensor.InterchangeException when they are not what the function promised
   */
  void load(OwnedBatch results, DeviceBatch lent, BatchInput<?> input, boolean[] nullRows);

  /** Frees what was not emitted. */
  @Override
  void close();
}
