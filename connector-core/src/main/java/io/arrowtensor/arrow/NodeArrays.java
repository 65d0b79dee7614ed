package io.arrowtensor.arrow;

import io.arrowtensor.Access;
import io.arrowtensor.Copy;
import io.arrowtensor.CopyReason;
import io.arrowtensor.CopyRefusedException;
import io.arrowtensor.Memory;
import io.arrowtensor.NullsException;
import io.arrowtensor.Options;
import io.arrowtensor.UnsupportedTypeException;
import io.arrowtensor.internal.BulkCopy;
import io.arrowtensor.internal.NullFill;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.jspecify.annotations.Nullable;

/** Fixed-shape nodes as one array: shared, or copied where bits or nulls ask for it. */
final class NodeArrays {
  private NodeArrays() {}

  /** The whole node as one array; nulls must be absent or filled. */
  static Memory open(ArrowNode node, Options options) {
    NodeLayout layout = plainLayout(node, options);
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

  private static NodeLayout plainLayout(ArrowNode node, Options options) {
    if (node.isDictionaryEncoded()) {
      throw new UnsupportedTypeException(
          "Cannot hand out "
              + node.label()
              + " as one array: its values are indices into a dictionary; use DeviceColumn.from");
    }
    return NodeLayout.of(node, options.storage());
  }

  /** The elements of {@code list}'s child; a mask has no place for nulls among them. */
  static Memory elements(ArrowNode list, ArrowNode child, Options options) {
    NodeLayout layout = plainLayout(child, options);
    if (options.nulls().masks() || !options.nulls().fills()) {
      NodeNulls.rejectElements(list, layout, options.nulls());
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
    Memory filled = options.nulls().fills() ? fill(layout, options) : null;
    if (filled == null && isBitPacked(layout)) {
      filled = copyElements(layout, options, CopyReason.BIT_PACKED);
    }
    return filled == null ? share(layout, options) : layout.logical(filled);
  }

  private static Memory share(NodeLayout layout, Options options) {
    if (layout.isEmpty()) {
      return layout.logical(layout.physical());
    }
    boolean writable = options.access() == Access.WRITABLE && layout.leaf().isExclusive(1);
    return layout.shared(!writable);
  }

  private static boolean isBitPacked(NodeLayout layout) {
    return layout.leaf().storageType() instanceof ArrowType.Bool;
  }

  private static Memory copyElements(NodeLayout layout, Options options, CopyReason reason) {
    if (options.copy() == Copy.NEVER) {
      throw new CopyRefusedException(
          "Cannot share "
              + layout.levels.get(0).node().label()
              + ": a copy is needed ("
              + reason
              + ") and Copy.NEVER forbids it; allow it with Options.withCopy(Copy.IF_NEEDED)");
    }
    Memory source = layout.physical();
    layout.leaf().requireHost("copy (" + reason + ")");
    Memory copy = BulkCopy.allocateLike(source, options, reason);
    if (isBitPacked(layout)) {
      BulkCopy.unpackBits(
          layout.leaf().buffer(1), layout.firstElement(), layout.elements(), copy.address());
    } else {
      BulkCopy.copy(source.address(), copy.address(), copy.nbytes());
    }
    return copy;
  }

  /** A copy with every null overwritten, null when there is none at any level. */
  private static @Nullable Memory fill(NodeLayout layout, Options options) {
    Memory copy = null;
    try {
      for (NodeLayout.Level level : layout.levels) {
        Memory mask = NodeNulls.mask(level.node(), level.start(), level.count(), options);
        if (mask != null) {
          try {
            copy = copy != null ? copy : copyElements(layout, options, CopyReason.NULL_FILL);
            NullFill.fill(
                copy.address(),
                layout.dtype,
                level.count(),
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
