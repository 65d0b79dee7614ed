package io.arrowtensor.internal;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * The time for which borrowed memory may be used: from the moment a batch is lent until the
 * function that got it returns. Arrays of the batch ask {@link #check()} before each use; exports
 * that must not outlive the batch pin it.
 *
 * <p>One thread begins and ends a scope; pins are dropped from any thread.
 */
public final class Scope {
  private final String what;
  private final List<String> pins = new ArrayList<>();
  private volatile boolean ended;

  /**
   * A scope that is open. {@code what} names it in errors, such as {@code the batch of partition
   * 3}.
   */
  public Scope(String what) {
    this.what = what;
  }

  /**
   * Checks that the memory is still lent.
   *
   * @throws IllegalStateException after the end
   */
  public void check() {
    if (ended) {
      throw new IllegalStateException(
          "Cannot use an array after "
              + what
              + " has ended: it borrowed its memory; copy or export it while the function runs");
    }
  }

  /**
   * Announces an export of {@code array} that {@link #end} must wait for. The caller calls {@link
   * #unpin} once.
   */
  public synchronized void pin(String array) {
    check();
    pins.add(array);
  }

  /** The export of {@code array} was released. */
  public synchronized void unpin(String array) {
    pins.remove(array);
    notifyAll();
  }

  /**
   * Ends the scope, waiting at most {@code patience} for pinned exports. Idempotent.
   *
   * @throws IllegalStateException naming the arrays whose exports are still alive; the memory must
   *     then not be reused
   */
  public synchronized void end(Duration patience) throws InterruptedException {
    ended = true;
    long deadline = System.nanoTime() + patience.toNanos();
    while (!pins.isEmpty()) {
      long millis = (deadline - System.nanoTime()) / 1_000_000;
      if (millis <= 0) {
        throw new IllegalStateException(
            "Cannot end "
                + what
                + ": exports with Lifetime.SCOPE are still alive for "
                + pins
                + "; release them before the function returns, or export with Lifetime.DETACHED");
      }
      wait(millis);
    }
  }
}
