package io.arrowtensor.flink;

import io.arrowtensor.internal.BatchMemory;
import java.lang.ref.WeakReference;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;

/**
 * The memory of batches that a task reads from the network or from state. A serializer is not told
 * its task, but Flink runs each task, and so its serializers, on a thread of its own; hence this is
 * kept by thread. No thread and no class loader is kept alive: threads are known by their numbers,
 * and their memory is closed when another begins to read after they have ended.
 */
final class ReaderMemory {
  private record Key(long thread, long limit, Duration patience) {}

  private static final Map<Key, ReaderMemory> OPEN = new HashMap<>();

  private final WeakReference<Thread> thread;
  private final BatchMemory memory;

  private ReaderMemory(Thread thread, long limit, Duration patience) {
    this.thread = new WeakReference<>(thread);
    this.memory =
        BatchMemory.open(
            "batches read by " + thread.getName(),
            limit,
            patience,
            "raise BatchTypeInfo.withMemory, which mapBatches sets to the memory of its operator");
  }

  /** The memory of the calling thread, see {@link BatchMemory#open}. */
  static synchronized BatchMemory ofThisThread(long limit, Duration patience) {
    Thread thread = Thread.currentThread();
    Key key = new Key(thread.getId(), limit, patience);
    ReaderMemory known = OPEN.get(key);
    if (known == null) {
      closeEnded();
      known = new ReaderMemory(thread, limit, patience);
      OPEN.put(key, known);
    }
    return known.memory;
  }

  private static void closeEnded() {
    OPEN.values()
        .removeIf(
            known -> {
              Thread reader = known.thread.get();
              boolean ended = reader == null || !reader.isAlive();
              if (ended) {
                known.memory.close();
              }
              return ended;
            });
  }
}
