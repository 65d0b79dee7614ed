package io.arrowtensor;

import io.arrowtensor.internal.Backends;
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
    Memory opened = source.open(options);
    boolean arrived =
        opened.ready().isNow() && options.device() == null && options.stream().equals(Stream.NONE);
    return arrived // as nearly all do
        ? guarded(opened, memory -> place(memory.checked(), options))
        : brought(opened, options);
  }

  private static Memory brought(Memory opened, Options options) {
    Memory known = onAnyThread(guarded(opened, Memory::checked));
    Memory arrived = guarded(known, memory -> arrive(memory, options));
    return guarded(arrived, memory -> place(memory, options));
  }

  /**
   * {@link Stream#PER_THREAD} is the stream of this thread only now: another one may wait for the
   * array later. Takes over {@code memory}, also when it fails.
   */
  private static Memory onAnyThread(Memory memory) {
    if (!memory.ready().stream().equals(Stream.PER_THREAD)) {
      return memory;
    }
    boolean lent = memory.scope() != null && memory.owner() == null; // nothing would keep the event
    return lent ? guarded(memory, Backends::awaited) : Backends.withEvent(memory);
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
    Memory detached = guarded(open(source, options), memory -> detach(memory, options));
    return detached.ready().isNow()
        ? detached
        : guarded(detached, memory -> Backends.ordered(memory, options.stream()));
  }

  private static Memory detach(Memory memory, Options options) {
    Scope scope = memory.scope();
    if (scope == null || memory.owner() != null) {
      return memory;
    }
    return options.lifetime() == Lifetime.SCOPE
        ? memory.withOwner(pin(scope, memory))
        : copy(memory, options, CopyReason.BORROWED);
  }

  private static Memory guarded(Memory memory, Function<Memory, Memory> step) {
    try {
      return step.apply(memory);
    } catch (RuntimeException | Error e) {
      Closing.quietly(e, List.of(memory::release));
      throw e;
    }
  }

  /** On the device asked for, and ready where the host may read it. */
  private static Memory arrive(Memory memory, Options options) {
    Device wanted = options.device();
    Device target = wanted == null ? memory.device() : wanted;
    options.stream().requireFor(target);
    boolean onHost = memory.device().type().isHostAccessible();
    Memory here = onHost ? Backends.awaited(memory) : memory;
    if (target.equals(here.device())) {
      return here;
    }
    return onHost && target.type().equals(DeviceType.CPU)
        ? here.withDevice(target)
        : transfer(here, target, options, CopyReason.TRANSFER);
  }

  private static Memory transfer(Memory memory, Device target, Options options, CopyReason reason) {
    requireCopyAllowed(memory, options, reason);
    boolean straight = Shapes.isRowMajor(memory.shape(), memory.strides());
    if (straight || !memory.device().type().isHostAccessible()) {
      return replaced(memory, onDevice(memory, target, options, reason));
    }
    Memory rowMajor = BulkCopy.rowMajor(memory, Options.defaults(), CopyReason.NOT_CONTIGUOUS);
    try {
      return replaced(memory, transferred(rowMajor, target, options, reason));
    } finally {
      rowMajor.release();
    }
  }

  private static Memory place(Memory memory, Options options) {
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
    return isAligned(memory, options) ? null : CopyReason.ALIGNMENT;
  }

  private static boolean isAligned(Memory memory, Options options) {
    long first = memory.device().type().isAddressable() ? memory.start() : memory.offset();
    return options.alignment() <= DeviceArray.alignmentOf(first) || memory.nbytes() == 0;
  }

  /** A row-major copy on the same device; releases the original once the copy is there. */
  private static Memory copy(Memory memory, Options options, CopyReason reason) {
    Device wanted = options.device();
    if (wanted != null && !wanted.equals(Device.CPU)) {
      return transfer(memory, wanted, options, reason); // pinned memory stays pinned
    }
    requireCopyAllowed(memory, options, reason);
    return replaced(
        memory,
        memory.device().type().isHostAccessible()
            ? BulkCopy.rowMajor(memory, options, reason)
            : onDevice(memory, memory.device(), options, reason));
  }

  private static void requireCopyAllowed(Memory memory, Options options, CopyReason reason) {
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
  }

  private static Memory onDevice(Memory memory, Device target, Options options, CopyReason reason) {
    if (!Shapes.isRowMajor(memory.shape(), memory.strides())) {
      throw new DeviceMismatchException(
          "Cannot copy an array of shape "
              + Arrays.toString(memory.shape())
              + " and strides "
              + Arrays.toString(memory.strides())
              + " on "
              + memory.device()
              + ": the host cannot reach it ("
              + reason
              + ") and a device copies row-major memory only; make it contiguous with the library"
              + " that made it");
    }
    return transferred(memory, target, options, reason);
  }

  /** A copy by the device, whose own allocator decides how it is aligned. */
  private static Memory transferred(
      Memory memory, Device target, Options options, CopyReason reason) {
    Memory copy = BulkCopy.transfer(memory, target, options, reason);
    if (isAligned(copy, options)) {
      return copy;
    }
    copy.release();
    throw new DeviceMismatchException(
        "Cannot align memory on %s to %d bytes: its allocator gave 0x%x; ask for less with Options.withAlignment"
            .formatted(target, options.alignment(), copy.start()));
  }

  private static Memory replaced(Memory original, Memory copy) {
    try {
      original.release();
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
