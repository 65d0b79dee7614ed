package io.arrowtensor.internal;

import java.util.concurrent.atomic.AtomicInteger;

/** Counts how often it is freed, and remembers the last thread that did. */
final class CountingOwner extends Owner {
  private final AtomicInteger frees = new AtomicInteger();
  private volatile String thread = "";
  private volatile boolean daemon;

  @Override
  protected void free() {
    thread = Thread.currentThread().getName();
    daemon = Thread.currentThread().isDaemon();
    frees.incrementAndGet();
  }

  int frees() {
    return frees.get();
  }

  String thread() {
    return thread;
  }

  boolean daemon() {
    return daemon;
  }
}
