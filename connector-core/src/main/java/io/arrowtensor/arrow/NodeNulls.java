package io.arrowtensor.arrow;

import io.arrowtensor.CopyReason;
import io.arrowtensor.DType;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.Memory;
import io.arrowtensor.Nulls;
import io.arrowtensor.NullsException;
import io.arrowtensor.Options;
import io.arrowtensor.UnsupportedTypeException;
import io.arrowtensor.internal.BulkCopy;
import io.arrowtensor.internal.Native;
import io.arrowtensor.internal.RawMemory;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.jspecify.annotations.Nullable;

/** Finds the nulls of nodes and applies a policy. */
final class NodeNulls {
  private static final String FILL = "Options.withNulls(Nulls.fill(value))";

  private NodeNulls() {}

  /**
   * Whether a null was found among {@code count} values from {@code start}, both in the node's own
   * buffers. Costs nothing when known absent.
   */
  static boolean any(ArrowNode node, long start, long count, Nulls policy) {
    long bitmap = node.buffer(0);
    if (bitmap == 0 || node.nullCount() == 0 || count == 0 || policy.equals(Nulls.ASSUME_NONE)) {
      return false;
    }
    if (!node.isOnHost()) {
      throw unreadable(node);
    }
    return !Native.allSet(bitmap, start, count);
  }

  private static NullsException unreadable(ArrowNode node) {
    String where = "its validity is on " + node.device() + ", where the host cannot read it";
    return node.nullCount() > 0
        ? error(
            node,
            " with nulls: "
                + where
                + "; fill them there, or transfer it to the host with the library that made it")
        : new NullsException(
            "Cannot tell whether "
                + node.label()
                + " has nulls: its null_count is not known and "
                + where
                + "; ask its producer for the null_count, or promise that there are none with"
                + " Options.withNulls(Nulls.ASSUME_NONE)");
  }

  private static boolean any(NodeLayout.Level level, Nulls policy) {
    return any(level.node(), level.start(), level.count(), policy);
  }

  /** Refuses null rows of a node; {@code remedy} tells what to do. */
  static void rejectRows(ArrowNode node, Nulls policy, String remedy) {
    if (any(node, node.offset(), node.length(), policy)) {
      long row = firstNull(node, node.offset(), node.length());
      throw error(node, " with nulls: row " + row + " is the first; " + remedy).atRow(row);
    }
  }

  /** Refuses nulls in the lists of {@code node}, whose elements lie as {@code layout} says. */
  static void rejectElements(ArrowNode node, NodeLayout layout, Nulls policy) {
    for (NodeLayout.Level level : layout.levels) {
      if (any(level, policy)) {
        throw error(
            node,
            " with nulls inside its lists: element "
                + firstRow(layout, level, false)
                + " of the values is the first; fill them with "
                + FILL);
      }
    }
  }

  /**
   * Refuses the nulls of a fixed-shape node that its policy does not carry further. What lies below
   * a null row that is masked may be null too: Arrow's writers leave it so.
   */
  static void reject(NodeLayout layout, Nulls policy) {
    if (policy.fills()) {
      return;
    }
    NodeLayout.Level top = layout.levels.get(0);
    ArrowNode rows = top.node();
    if (!policy.masks()) {
      rejectRows(rows, policy, "choose " + FILL + ", or Nulls.MASK with DeviceColumn.from");
    }
    if (layout.levels.size() == 1) {
      return;
    }
    boolean skipNullRows = policy.masks() && any(top, policy);
    long first = Long.MAX_VALUE;
    for (NodeLayout.Level level : layout.levels.subList(1, layout.levels.size())) {
      if (any(level, policy)) {
        first = Math.min(first, firstRow(layout, level, skipNullRows));
      }
    }
    if (first < Long.MAX_VALUE) {
      String remedy = policy.masks() ? "a mask has one bool a row; fill them with " : "choose ";
      throw error(
              rows,
              " with nulls inside its lists: row " + first + " is the first; " + remedy + FILL)
          .atRow(first);
    }
  }

  private static NullsException error(ArrowNode node, String why) {
    return new NullsException("Cannot hand out " + node.label() + why);
  }

  /** The row of the first null at {@code level}, MAX_VALUE when all lie in rows to be skipped. */
  private static long firstRow(NodeLayout layout, NodeLayout.Level level, boolean skipNullRows) {
    NodeLayout.Level rows = layout.levels.get(0);
    long perRow = layout.valuesPerRow(level);
    for (long i = 0; i < level.count(); i++) {
      if (isNull(level.node(), level.start() + i)
          && !(skipNullRows && isNull(rows.node(), rows.start() + i / perRow))) {
        return i / perRow;
      }
    }
    return Long.MAX_VALUE;
  }

  private static long firstNull(ArrowNode node, long start, long count) {
    long i = 0;
    while (i < count && !isNull(node, start + i)) {
      i++;
    }
    return i;
  }

  /** Reads a bit of a validity buffer that is there. */
  private static boolean isNull(ArrowNode node, long bit) {
    return (RawMemory.byteAt(node.buffer(0) + (bit >> 3)) >> (bit & 7) & 1) == 0;
  }

  /** One byte a value, 1 = present; null when all are present. The caller releases it. */
  static @Nullable Memory mask(ArrowNode node, long start, long count, Options options) {
    if (!any(node, start, count, options.nulls())) {
      return null;
    }
    Memory mask = allocateMask(count, options);
    BulkCopy.unpackBits(node.buffer(0), start, count, mask.address());
    return mask;
  }

  /** A column's validity, checked for being one bool a row that the host can read; null without. */
  static @Nullable DeviceArray hostMask(DeviceColumn column) {
    DeviceArray mask = column.validity();
    if (mask == null) {
      return null;
    }
    if (!mask.dtype().equals(DType.BOOL) || mask.ndim() != 1 || mask.dim(0) != column.rowCount()) {
      throw new UnsupportedTypeException(
          "Invalid validity of column '"
              + column.name()
              + "': expected one bool a row, got "
              + mask);
    }
    mask.requireHostContiguous("read the validity in");
    return mask;
  }

  private static Memory allocateMask(long count, Options options) {
    return BulkCopy.allocateLike(Memory.borrow(0, DType.BOOL, count), options, CopyReason.VALIDITY);
  }

  /** Whether a fixed-shape node needs a mask beside its values under a policy that masks. */
  static boolean needsMask(NodeLayout layout, Nulls policy) {
    int levels = policy.fills() ? layout.levels.size() : 1;
    return layout.levels.subList(0, levels).stream().anyMatch(level -> any(level, policy));
  }

  /**
   * The validity array of a node's rows under a policy that masks; null when no row is null or the
   * policy does not mask. Where nulls propagate, a row with a null inside is null.
   */
  static @Nullable DeviceArray validity(ArrowNode node, Options options) {
    if (!options.nulls().masks()) {
      return null;
    }
    Memory mask = mask(node, node.offset(), node.length(), options);
    if (options.nulls().fills() && node.storageType() instanceof ArrowType.FixedSizeList) {
      NodeLayout layout = NodeLayout.of(node, options.storage());
      for (NodeLayout.Level level : layout.levels.subList(1, layout.levels.size())) {
        if (any(level, options.nulls())) {
          mask = mask != null ? mask : allPresent(node.length(), options);
          clearRows(layout, level, mask.address());
        }
      }
    }
    return mask == null ? null : DeviceArray.from(mask);
  }

  /** The rows that both masks have, in the first one's memory; the other one is closed. */
  static @Nullable DeviceArray both(@Nullable DeviceArray mask, @Nullable DeviceArray other) {
    if (mask == null || other == null) {
      return mask == null ? other : mask;
    }
    for (long row = 0; row < mask.size(); row++) {
      if (RawMemory.byteAt(other.address() + row) == 0) {
        RawMemory.putByte(mask.address() + row, (byte) 0);
      }
    }
    other.close();
    return mask;
  }

  private static Memory allPresent(long count, Options options) {
    Memory mask = allocateMask(count, options);
    RawMemory.fill(mask.address(), count, (byte) 1);
    return mask;
  }

  private static void clearRows(NodeLayout layout, NodeLayout.Level level, long mask) {
    long perRow = layout.valuesPerRow(level);
    for (long i = 0; i < level.count(); i++) {
      if (isNull(level.node(), level.start() + i)) {
        RawMemory.putByte(mask + i / perRow, (byte) 0);
      }
    }
  }
}
