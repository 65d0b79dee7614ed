package io.arrowtensor.internal;

import java.lang.ref.PhantomReference;
import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Reports owned objects that became unreachable without {@code close()}. The memory is leaked,
 * never freed here: an engine may still hold its address. Reports are made when the next object is
 * tracked, so there is no thread and no lock.
 *
 * <p>The creation site costs a stack walk and is recorded when assertions are enabled or {@code
 * -Dio.arrowtensor.creationSites=true} is set.
 */
public final class LeakReports {
  private static final System.Logger LOG = System.getLogger(LeakReports.class.getName());
  private static final boolean SITES =
      Boolean.getBoolean("io.arrowtensor.creationSites")
          || LeakReports.class.desiredAssertionStatus();
  private static final ReferenceQueue<Object> FORGOTTEN = new ReferenceQueue<>();
  private static final Set<Ticket> TRACKED = ConcurrentHashMap.newKeySet();

  private LeakReports() {}

  /** Tracks {@code owned}, which holds {@code bytes}, until {@link Ticket#done()}. */
  public static Ticket track(Object owned, long bytes) {
    report();
    Ticket ticket = new Ticket(owned, bytes, SITES ? new Throwable("created here") : null);
    TRACKED.add(ticket);
    return ticket;
  }

  /** Logs what was forgotten since the last call; returns how many objects that were. */
  public static int report() {
    int count = 0;
    for (Reference<?> next = FORGOTTEN.poll(); next != null; next = FORGOTTEN.poll()) {
      Ticket ticket = (Ticket) next;
      if (TRACKED.remove(ticket)) {
        count++;
        LOG.log(System.Logger.Level.ERROR, ticket.message(), ticket.site);
      }
    }
    return count;
  }

  /** The note that one object is alive. */
  public static final class Ticket extends PhantomReference<Object> {
    private final String type;
    private final long bytes;
    private final @Nullable Throwable site;

    private Ticket(Object owned, long bytes, @Nullable Throwable site) {
      super(owned, FORGOTTEN);
      this.type = owned.getClass().getSimpleName();
      this.bytes = bytes;
      this.site = site;
    }

    /** The object was closed. */
    public void done() {
      TRACKED.remove(this);
      clear();
    }

    private String message() {
      return "A "
          + type
          + " of "
          + bytes
          + " bytes was never closed; its memory is leaked"
          + (site == null
              ? ". Run with -Dio.arrowtensor.creationSites=true to see where it was created"
              : "");
    }
  }
}
