package io.arrowtensor.flink;

/** Why a batch was scored when it was. */
enum FlushCause {
  /** It was full. */
  SIZE("size"),
  /** Its first row had waited long enough. */
  TIME("time"),
  /** A checkpoint or savepoint begins. */
  BARRIER("barrier"),
  /** The input has ended. */
  END("end"),
  /** The input says that it is idle for now. */
  IDLE("idle"),
  /**
   * The last watermark, or an event that must not overtake rows, the end of idleness among them.
   */
  WATERMARK("watermark");

  private final String metric;

  FlushCause(String metric) {
    this.metric = metric;
  }

  /** The name of its counter. */
  String metric() {
    return metric;
  }
}
