package io.arrowtensor.engine;

import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import io.arrowtensor.InterchangeException;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * A loaded model that the tasks of a process share: loaded once, by whichever task comes first,
 * while the others wait; closed when the last one lets go of it. A load that failed is not kept, so
 * the next task tries again.
 */
final class SharedSession {
  private static final ConcurrentHashMap<Key, SharedSession> OPEN = new ConcurrentHashMap<>();

  /** Tasks share a session if they run the same bytes on as many threads. */
  record Key(Fingerprint model, int threads) {}

  /** Loads a model. */
  @FunctionalInterface
  interface Loader {
    /** Called by one thread at a time for one key. */
    OrtSession load();
  }

  private final Key key;
  private int users; // changed only inside of OPEN's atomic updates
  private @Nullable OrtSession session;

  private SharedSession(Key key) {
    this.key = key;
  }

  /**
   * The session for {@code key}, loaded if nobody has it. The caller calls {@link #release()} once.
   */
  static SharedSession acquire(Key key, Loader loader) {
    SharedSession shared =
        OPEN.compute(
            key,
            (k, found) -> {
              SharedSession entry = found == null ? new SharedSession(k) : found;
              entry.users++;
              return entry;
            });
    try {
      shared.load(loader);
      return shared;
    } catch (RuntimeException | Error e) {
      shared.release();
      throw e;
    }
  }

  /** Sessions loaded or being loaded in this process. */
  static int openSessions() {
    return OPEN.size();
  }

  private synchronized void load(Loader loader) {
    if (session == null) {
      session = loader.load();
    }
  }

  /** The session; usable until {@link #release()}. */
  synchronized OrtSession session() {
    if (session == null) {
      throw new IllegalStateException("Cannot use a model's session after it was released");
    }
    return session;
  }

  /** Lets go of the session; closes it when nobody else has it. */
  void release() {
    SharedSession left =
        OPEN.computeIfPresent(key, (k, found) -> --found.users == 0 ? null : found);
    if (left == null) {
      close();
    }
  }

  private synchronized void close() {
    OrtSession closing = session;
    session = null;
    if (closing != null) {
      try {
        closing.close();
      } catch (OrtException e) {
        throw new InterchangeException("Cannot close a model's session: " + e.getMessage(), e);
      }
    }
  }
}
