package io.arrowtensor.internal;

import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import org.jspecify.annotations.Nullable;

/**
 * The reference-counted right to free one piece of memory. Starts with one reference; the thread
 * that drops the last one, whichever it is, runs {@link #free()} exactly once. Lock-free, safe from
 * any thread, also from a foreign deleter.
 */
public abstract class Owner {
  private static final AtomicIntegerFieldUpdater<Owner> REFERENCES =
      AtomicIntegerFieldUpdater.newUpdater(Owner.class, "references");

  private volatile int references = 1;
  private @Nullable Reclaim reclaim;

  /**
   * Adds a reference.
   *
   * @throws IllegalStateException when the memory has been freed already
   */
  public final Owner retain() {
    while (true) {
      int seen = references;
      if (seen <= 0) {
        throw new IllegalStateException("Cannot retain memory that was freed already");
      }
      if (REFERENCES.compareAndSet(this, seen, seen + 1)) {
        return this;
      }
    }
  }

  /**
   * Drops a reference; frees with the last one.
   *
   * @throws IllegalStateException when there was none left; the memory is not freed twice
   */
  public final void release() {
    int left = REFERENCES.decrementAndGet(this);
    if (left == 0) {
      try {
        free();
      } finally {
        if (reclaim != null) {
          reclaim.freed();
        }
      }
    } else if (left < 0) {
      REFERENCES.incrementAndGet(this);
      throw new IllegalStateException("Cannot release memory that was freed already");
    }
  }

  /** Lets arrays over this memory be forgotten. Called before the first of them is made. */
  final void reclaimBy(Reclaim reclaim) {
    this.reclaim = reclaim;
    reclaim.held();
  }

  /** What frees arrays over this memory that are forgotten, null where that is a leak. */
  public final @Nullable Reclaim reclaim() {
    return reclaim;
  }

  /** References held now; a snapshot. */
  public final int references() {
    return references;
  }

  /**
   * A call from C to an owner that also answers questions: a stream, the Python side. May come from
   * any thread; must not throw, as there is nobody to catch it.
   *
   * @param operation what is asked, in terms of the owner's kind
   * @param argument an address or a number, as the operation says
   */
  protected long call(long operation, long argument) {
    throw new UnsupportedOperationException("Cannot answer call " + operation);
  }

  /** Frees the memory. Called exactly once, from the thread that drops the last reference. */
  protected abstract void free();
}
