package io.arrowtensor;

import io.arrowtensor.internal.BulkCopy;
import io.arrowtensor.internal.Closing;
import io.arrowtensor.internal.Owner;
import io.arrowtensor.internal.Scope;
import io.arrowtensor.internal.Shapes;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Decides whether opened memory may be shared as it is, and copies it, counted, where the options
 * ask for something else.
 */
final class Placement {
  private Placement() {}

  /**
   * Opens {@code source} and places it where the options ask. The caller releases the result;
   * nothing is held when this throws.
   */
  static Memory open(ArraySource source, Options options) {
    return guarded(source.open(options), memory -> place(memory.checked(), options));
  }

  /** As {@link #open}, with a copy where the elements are not in row-major order without gaps. */
  static Memory contiguous(ArraySource source, Options options) {
    return guarded(open(source, options), memory -> straightened(memory, options));
  }

  /**
   * As {@link #detached}, with a copy where the elements are not in row-major order without gaps.
   */
  static Memory detachedContiguous(ArraySource source, Options options) {
    return guarded(detached(source, options), memory -> straightened(memory, options));
  }

  /**
   * As {@link #open}, for a struct that its consumer may keep as long as it wants: memory lent by a
   * batch is copied, or pinned when {@link Lifetime#SCOPE} is asked for.
   */
  static Memory detached(ArraySource source, Options options) {
    return guarded(
        open(source, options),
        memory -> {
          Scope scope = memory.scope();
          if (scope == null || memory.owner() != null) {
            return memory;
          }
          return options.lifetime() == Lifetime.SCOPE
              ? memory.withOwner(pin(scope, memory))
              : copy(memory, options, CopyReason.BORROWED);
        });
  }

  private static Memory guarded(Memory memory, Function<Memory, Memory> step) {
    try {
      return step.apply(memory);
    } catch (RuntimeException | Error e) {
      Closing.quietly(e, List.of(memory::release));
      throw e;
    }
  }

  private static Memory place(Memory memory, Options options) {
    Device wanted = options.device();
    if (wanted != null && !wanted.equals(memory.device())) {
      throw new DeviceMismatchException(
          "Cannot hand out memory on "
              + memory.device()
              + " as "
              + wanted
              + ": no transfer backend between them is loaded;"
              + " leave Options.device() empty to stay on "
              + memory.device());
    }
    options.stream().requireFor(memory.device());
    CopyReason reason = reasonToCopy(memory, options);
    Memory placed = reason == null ? memory : copy(memory, options, reason);
    return options.access() == Access.READ_ONLY ? placed.withReadOnly(true) : placed;
  }

  private static @Nullable CopyReason reasonToCopy(Memory memory, Options options) {
    Outcome outcome = memory.outcome();
    if (options.copy() == Copy.ALWAYS && (outcome == null || outcome.isZeroCopy())) {
      return CopyReason.REQUESTED;
    }
    if (options.access() == Access.WRITABLE && memory.readOnly()) {
      return CopyReason.READ_ONLY;
    }
    boolean aligned = options.alignment() <= DeviceArray.alignmentOf(memory.start());
    return aligned || memory.nbytes() == 0 ? null : CopyReason.ALIGNMENT;
  }

  /** A row-major copy; releases the original once the copy is there. */
  private static Memory copy(Memory memory, Options options, CopyReason reason) {
    if (options.copy() == Copy.NEVER) {
      throw new CopyRefusedException(
          "Cannot share an array of shape "
              + Arrays.toString(memory.shape())
              + " ("
              + memory.dtype()
              + "): a copy is needed ("
              + reason
              + ") and Copy.NEVER forbids it; allow it with Options.withCopy(Copy.IF_NEEDED)");
    }
    if (!memory.device().type().isHostAccessible()) {
      throw new DeviceMismatchException(
          "Cannot copy memory on "
              + memory.device()
              + ": the host cannot reach it ("
              + reason
              + ")");
    }
    Memory copy = BulkCopy.rowMajor(memory, options, reason);
    try {
      memory.release();
    } catch (RuntimeException | Error e) {
      copy.release();
      throw e;
    }
    return copy;
  }

  private static Memory straightened(Memory memory, Options options) {
    boolean straight = Shapes.isRowMajor(memory.shape(), memory.strides());
    return straight ? memory : copy(memory, options, CopyReason.NOT_CONTIGUOUS);
  }

  private static Owner pin(Scope scope, Memory memory) {
    String name =
        "an array of shape "
            + Arrays.toString(memory.shape())
            + " at 0x"
            + Long.toHexString(memory.start());
    scope.pin(name);
    return new Owner() {
      @Override
      protected void free() {
        scope.unpin(name);
      }
    };
  }
}
