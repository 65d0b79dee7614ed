package io.arrowtensor.internal;

import java.util.concurrent.TimeUnit;

/** Garbage collections that this library asks for, all tasks of a class loader. Any thread. */
final class GarbageCollections {
  private static final long LEAST_NANOS = TimeUnit.MILLISECONDS.toNanos(500);
  private static final int SHARE = 10;
  private static long next = System.nanoTime();

  private GarbageCollections() {}

  /** Collects, unless that would take more than a tenth of the time. */
  static void suggest() {
    long start = System.nanoTime();
    synchronized (GarbageCollections.class) {
      if (start - next < 0) {
        return;
      }
      next = start + LEAST_NANOS;
    }
    System.gc();
    long end = System.nanoTime();
    synchronized (GarbageCollections.class) {
      next = Math.max(next, end + SHARE * (end - start));
    }
  }
}
