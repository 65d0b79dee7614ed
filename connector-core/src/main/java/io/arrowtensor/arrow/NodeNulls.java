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
    return !Native.allSet(bitmap, start, count);
  }

  /**
   * Checks a node that cannot carry nulls further; {@code rows} maps its values to rows by
   * division.
   */
  static void reject(
      ArrowNode node, long start, long count, long valuesPerRow, String where, Nulls policy) {
    if (any(node, start, count, policy)) {
      throw error(node, firstNull(node, start, count) / Math.max(1, valuesPerRow), where, policy);
    }
  }

  private static NullsException error(ArrowNode node, long row, String where, Nulls policy) {
    String remedy =
        "choose Options.withNulls(Nulls.fill(value)), or Nulls.MASK with DeviceColumn.from";
    if (node.storageType() instanceof ArrowType.Struct) {
      remedy = "filter such rows out, or make their fields null instead";
    } else if (policy.masks()) {
      remedy = "a mask has one bool a row; fill them with Options.withNulls(Nulls.fill(value))";
    } else if (policy.fills()) {
      remedy = "lists and strings cannot be filled; choose Nulls.MASK with DeviceColumn.from";
    }
    return new NullsException(
        "Cannot hand out "
            + node.label()
            + " with nulls"
            + where
            + ": row "
            + row
            + " is the first; "
            + remedy);
  }

  private static long firstNull(ArrowNode node, long start, long count) {
    long bitmap = node.buffer(0);
    for (long i = 0; i < count; i++) {
      long bit = start + i;
      if ((RawMemory.byteAt(bitmap + (bit >> 3)) >> (bit & 7) & 1) == 0) {
        return i;
      }
    }
    return count;
  }

  /** One byte a value, 1 = present; null when all are present. The caller releases it. */
  static @Nullable Memory mask(ArrowNode node, long start, long count, Options options) {
    if (!any(node, start, count, options.nulls())) {
      return null;
    }
    Memory mask =
        BulkCopy.allocateLike(Memory.borrow(0, DType.BOOL, count), options, CopyReason.VALIDITY);
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

  /**
   * The validity array of a node's rows under a policy that masks; null when no row is null or the
   * policy does not mask.
   */
  static @Nullable DeviceArray validity(ArrowNode node, Options options) {
    if (!options.nulls().masks()) {
      return null;
    }
    Memory mask = mask(node, node.offset(), node.length(), options);
    return mask == null ? null : DeviceArray.from(mask);
  }
}
