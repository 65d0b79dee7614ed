package io.arrowtensor.internal;

import java.util.concurrent.atomic.LongAdder;

/**
 * The one count of native bytes that this library holds in this process: memory it allocated,
 * retained, took over or adopted.
 */
public final class NativeBytes {
  private static final LongAdder HELD = new LongAdder();

  private NativeBytes() {}

  /**
   * Bytes held now; 0 when everything was released. Not a consistent snapshot while other threads
   * convert.
   */
  public static long held() {
    return HELD.sum();
  }

  /** Adds to the count; negative to subtract. */
  public static void add(long bytes) {
    HELD.add(bytes);
  }
}
