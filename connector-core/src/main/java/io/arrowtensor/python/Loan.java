package io.arrowtensor.python;

import io.arrowtensor.internal.Closing;
import io.arrowtensor.internal.Owner;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What the caller says about memory that it lends: something to run once nobody needs it any more,
 * or nothing, when it guarantees the lifetime itself. A loan with a release is used once.
 */
final class Loan {
  private final @Nullable Runnable release;
  private @Nullable Owner owner;
  private boolean used;

  Loan(@Nullable Runnable release) {
    this.release = release;
  }

  /** Runs {@code conversion}, which takes a {@link #reference} for all that outlives it. */
  <T> T use(Supplier<T> conversion) {
    if (release == null) {
      return conversion.get();
    }
    if (used) {
      throw new IllegalStateException(
          "Cannot use a borrowed source again: it has an owner to release once; borrow again");
    }
    used = true;
    Owner own = new Release(release);
    owner = own;
    T made;
    try {
      made = conversion.get();
    } catch (RuntimeException | Error e) {
      Closing.quietly(e, List.of(own::release));
      throw e;
    }
    own.release();
    return made;
  }

  /** One more reference to the lender's memory, null where the lender keeps it alive. */
  @Nullable Owner reference() {
    return owner == null ? null : owner.retain();
  }

  private static final class Release extends Owner {
    private final Runnable release;

    Release(Runnable release) {
      this.release = release;
    }

    @Override
    protected void free() {
      release.run();
    }
  }
}
