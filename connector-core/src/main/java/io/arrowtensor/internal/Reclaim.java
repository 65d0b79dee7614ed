package io.arrowtensor.internal;

import io.arrowtensor.DeviceArray;
import java.lang.ref.Cleaner;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The memory of one batch that nobody needs to close: every array over it, made when or wherever,
 * drops its reference when it is closed or has become unreachable, whichever is first, once. So the
 * memory lives as long as any array over it is reachable, and as long as an export of it. An
 * address, or a buffer, keeps nothing alive by itself.
 *
 * <p><b>The thread.</b> A {@link Cleaner} of this class loader waits on a reference queue of its
 * own; its thread starts with the first batch. It must not be replaced by polling: the batches of a
 * job that has ended become unreachable when nobody allocates any more. The thread keeps this class
 * loader as long as it has memory to free, and no longer: it inherits neither class loader nor
 * access control context nor thread locals of the task that started it, which a thread made here
 * would, and ends when the loader's classes are unreachable and nothing is left to free. Whoever
 * closes an array frees on its own thread.
 */
public final class Reclaim {
  private static final class Lazy {
    static final Cleaner CLEANER = Cleaner.create();
  }

  private final AtomicInteger owners = new AtomicInteger();
  private final Runnable lastFreed;

  /** {@code lastFreed} runs when all memory is free, on whichever thread freed the last of it. */
  Reclaim(Runnable lastFreed) {
    this.lastFreed = lastFreed;
  }

  /** Runs {@code end}, which must not reach {@code object}, when that has become unreachable. */
  static void whenUnreachable(Object object, Runnable end) {
    Lazy.CLEANER.register(object, end);
  }

  /** One more piece of memory belongs to the batch. */
  void held() {
    owners.incrementAndGet();
  }

  /** A piece was freed: no array and no export holds it any more. */
  void freed() {
    if (owners.decrementAndGet() == 0) {
      lastFreed.run();
    }
  }

  /** Drops {@code array}'s reference to {@code owner} when the result is cleaned, or by itself. */
  public Cleaner.Cleanable track(DeviceArray array, Owner owner) {
    return Lazy.CLEANER.register(array, owner::release);
  }
}
