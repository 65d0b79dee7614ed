package io.arrowtensor;

/**
 * Where a whole batch comes from: a {@code VectorSchemaRoot}, a struct-typed C Data pair. Used
 * once, on one thread.
 */
@FunctionalInterface
public interface BatchSource {
  /**
   * Converts all columns. The caller closes the batch; when the call throws, everything that was
   * taken has been released.
   *
   * @throws InterchangeException naming the first column that cannot be described under these
   *     options
   */
  OwnedBatch openBatch(Options options);
}
