package io.arrowtensor.spark;

/** When the results of a batch are freed. */
enum Release {
  /** When the next batch is asked for: the consumer turned this one into rows by then. */
  ON_NEXT,
  /** By the consumer, which may collect several batches; at the end of the task what it left. */
  BY_CONSUMER
}
