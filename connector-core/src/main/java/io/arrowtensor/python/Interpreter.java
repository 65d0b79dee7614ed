package io.arrowtensor.python;

import io.arrowtensor.Memory;
import io.arrowtensor.internal.Native;
import io.arrowtensor.internal.Owner;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;

/**
 * The main Python interpreter of this process (sub-interpreters are refused by the Python side) as
 * a place where releases run: what Python lent is given back on any thread, until the interpreter
 * ends. From then on nothing enters it, as a thread that waits for its lock would wait for ever or
 * be killed; what is still lent is leaked to process exit.
 */
final class Interpreter implements Executor {
  private static final long PATIENCE = TimeUnit.SECONDS.toNanos(10);

  private long ensure;
  private long release;
  private long decRef;
  private boolean open;
  private int running;

  /** The addresses of {@code PyGILState_Ensure}, {@code PyGILState_Release}, {@code Py_DecRef}. */
  synchronized void open(long ensure, long release, long decRef) {
    this.ensure = ensure;
    this.release = release;
    this.decRef = decRef;
    open = true;
  }

  /**
   * Lets nothing in any more, and waits for the releases that are under way; the caller has given
   * the interpreter's lock away. A release that hangs is left behind after ten seconds.
   */
  synchronized void close() {
    open = false;
    long deadline = System.nanoTime() + PATIENCE;
    try {
      for (long left = PATIENCE; running > 0 && left > 0; left = deadline - System.nanoTime()) {
        TimeUnit.NANOSECONDS.timedWait(this, left);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Runs {@code releasing} on this thread, or never. It may wait for the interpreter's lock. */
  @Override
  public void execute(Runnable releasing) {
    if (!enter()) {
      return;
    }
    try {
      releasing.run();
    } finally {
      leave();
    }
  }

  /** Whether the interpreter may be entered; then it stays until {@link #leave}. */
  synchronized boolean enter() {
    running += open ? 1 : 0;
    return open;
  }

  synchronized void leave() {
    running--;
    notifyAll();
  }

  /** The same memory, whose release passes through here; takes over its owner. */
  Memory guarded(Memory memory) {
    Owner owner = memory.owner();
    return owner == null ? memory : memory.withOwner(() -> execute(owner::release));
  }

  /** Drops a reference to a Python object that its lender left to us. */
  void drop(long object) {
    execute(
        () -> {
          long state = Native.call(ensure, 0, 0, 0, 0, 0, 0);
          Native.call(decRef, object, 0, 0, 0, 0, 0);
          Native.call(release, state, 0, 0, 0, 0, 0);
        });
  }
}
