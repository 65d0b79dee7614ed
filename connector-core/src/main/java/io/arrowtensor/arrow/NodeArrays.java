package io.arrowtensor.arrow;

import io.arrowtensor.Access;
import io.arrowtensor.Copy;
import io.arrowtensor.CopyReason;
import io.arrowtensor.CopyRefusedException;
import io.arrowtensor.DType;
import io.arrowtensor.Memory;
import io.arrowtensor.NullsException;
import io.arrowtensor.Options;
import io.arrowtensor.UnsupportedTypeException;
import io.arrowtensor.internal.BulkCopy;
import io.arrowtensor.internal.NullFill;
import io.arrowtensor.internal.Shapes;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.jspecify.annotations.Nullable;

/** Fixed-shape nodes as one array: shared, or copied where bits or nulls ask for it. */
final class NodeArrays {
  private NodeArrays() {}

  /** The whole node as one array; nulls must be absent or filled. */
  static Memory open(ArrowNode node, Options options) {
    if (node.isDictionaryEncoded()) {
      throw new UnsupportedTypeException(
          "Cannot hand out "
              + node.label()
              + " as one array: its values are indices into a dictionary; use DeviceColumn.from");
    }
    NodeLayout layout = NodeLayout.of(node, options.storage());
    if (options.nulls().masks() && NodeNulls.needsMask(layout, options.nulls())) {
      throw new NullsException(
          "Cannot hand out "
              + node.label()
              + " as one array with "
              + options.nulls()
              + ": the mask is an array of its own; use DeviceColumn.from");
    }
    return values(layout, options);
  }

  /**
   * The values alone: null rows are rejected, filled, or left as they are where the policy masks
   * them.
   */
  static Memory values(ArrowNode node, Options options) {
    return values(NodeLayout.of(node, options.storage()), options);
  }

  private static Memory values(NodeLayout layout, Options options) {
    NodeNulls.reject(layout, options.nulls());
    @Nullable Memory filled = options.nulls().fills() ? fill(layout, options) : null;
    Memory memory = filled != null ? filled : share(layout, options);
    if (!layout.isPermuted()) {
      return memory.withDimNames(layout.dimNames());
    }
    long[] strides = layout.logical(Shapes.rowMajor(layout.physicalShape()));
    return new Memory(
        memory.address(),
        memory.dtype(),
        layout.logical(memory.shape()),
        strides,
        0,
        memory.device(),
        layout.dimNames(),
        memory.readOnly(),
        memory.owner(),
        null,
        memory.outcome());
  }

  private static Memory share(NodeLayout layout, Options options) {
    if (isBitPacked(layout)) {
      return copyElements(layout, options, CopyReason.BIT_PACKED);
    }
    Memory memory = borrowed(layout);
    boolean writable = options.access() == Access.WRITABLE && layout.leaf().isExclusive(1);
    return memory.address() == 0
        ? memory
        : memory.withReadOnly(!writable).withOwner(layout.leaf().retain(1));
  }

  private static boolean isBitPacked(NodeLayout layout) {
    return layout.leaf().storageType() instanceof ArrowType.Bool;
  }

  /** The elements where they are, without owner. Empty arrays have no address. */
  private static Memory borrowed(NodeLayout layout) {
    long[] shape = layout.physicalShape();
    DType dtype = layout.dtype;
    long base = layout.leaf().buffer(1);
    boolean empty = base == 0 || Shapes.bytes(shape, dtype) == 0;
    long address = empty ? 0 : layout.leaf().address(1, layout.firstElement(), dtype.itemSize());
    return Memory.borrow(address, dtype, shape).checked();
  }

  private static Memory copyElements(NodeLayout layout, Options options, CopyReason reason) {
    if (options.copy() == Copy.NEVER) {
      throw new CopyRefusedException(
          "Cannot share "
              + layout.levels.get(0).label()
              + ": a copy is needed ("
              + reason
              + ") and Copy.NEVER forbids it; allow it with Options.withCopy(Copy.IF_NEEDED)");
    }
    Memory like = Memory.borrow(0, layout.dtype, layout.physicalShape());
    long count = like.nbytes() / layout.dtype.itemSize();
    Memory copy = BulkCopy.allocateLike(like, options, reason);
    if (isBitPacked(layout)) {
      BulkCopy.unpackBits(layout.leaf().buffer(1), layout.firstElement(), count, copy.address());
    } else {
      BulkCopy.copy(borrowed(layout).address(), copy.address(), copy.nbytes());
    }
    return copy;
  }

  /** A copy with every null overwritten, null when there is none at any level. */
  private static @Nullable Memory fill(NodeLayout layout, Options options) {
    Memory copy = null;
    try {
      for (int level = 0; level < layout.levels.size(); level++) {
        Memory mask =
            NodeNulls.mask(
                layout.levels.get(level),
                layout.starts.get(level),
                layout.counts.get(level),
                options);
        if (mask != null) {
          try {
            copy = copy != null ? copy : copyElements(layout, options, CopyReason.NULL_FILL);
            NullFill.fill(
                copy.address(),
                layout.dtype,
                layout.counts.get(level),
                layout.elementsPer(level),
                mask.address(),
                options.nulls().fillValue());
          } finally {
            mask.release();
          }
        }
      }
      return copy;
    } catch (RuntimeException | Error e) {
      if (copy != null) {
        copy.release();
      }
      throw e;
    }
  }
}
