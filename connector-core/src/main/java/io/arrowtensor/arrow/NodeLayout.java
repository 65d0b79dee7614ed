package io.arrowtensor.arrow;

import io.arrowtensor.DType;
import io.arrowtensor.InvalidStructException;
import io.arrowtensor.Memory;
import io.arrowtensor.Storage;
import io.arrowtensor.UnsupportedTypeException;
import io.arrowtensor.internal.Shapes;
import java.util.ArrayList;
import java.util.List;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.jspecify.annotations.Nullable;

/**
 * How the elements of a fixed-shape node lie: through nested fixed-size lists and {@code
 * arrow.fixed_shape_tensor} down to one buffer of elements.
 */
final class NodeLayout {
  /** One per level of nesting, rows first; the last one holds the elements. */
  final List<Level> levels;

  final DType dtype;
  private final long[] physicalShape;
  private final int @Nullable [] axes;
  private final List<String> dimNames;

  /**
   * Values of one level.
   *
   * @param node whose buffers hold them
   * @param start the first one, in those buffers
   * @param count how many: rows, then list elements
   */
  record Level(ArrowNode node, long start, long count) {}

  private NodeLayout(
      List<Level> levels,
      DType dtype,
      long[] physicalShape,
      int @Nullable [] axes,
      List<String> dimNames) {
    this.levels = levels;
    this.dtype = dtype;
    this.physicalShape = physicalShape;
    this.axes = axes;
    this.dimNames = dimNames;
  }

  /** The layout of {@code node}; refuses types that are no fixed-size numbers at the bottom. */
  static NodeLayout of(ArrowNode node, Storage storage) {
    Level rows = new Level(node, node.offset(), node.length());
    if (node.storageType() instanceof ArrowType.FixedSizeList) {
      return new Walk(rows).layout(storage);
    }
    DType dtype = ElementTypes.of(Element.of(node), storage);
    return new NodeLayout(List.of(rows), dtype, new long[] {rows.count}, null, List.of());
  }

  private Level leafLevel() {
    return levels.get(levels.size() - 1);
  }

  ArrowNode leaf() {
    return leafLevel().node;
  }

  /** First element in the leaf's buffer. */
  long firstElement() {
    return leafLevel().start;
  }

  /** Number of elements. */
  long elements() {
    return leafLevel().count;
  }

  /** Whether there is no memory to share. */
  boolean isEmpty() {
    return leaf().buffer(1) == 0 || elements() == 0;
  }

  /** The elements where they are, in memory order; without owner. */
  Memory physical() {
    return isEmpty()
        ? Memory.borrow(0, dtype, physicalShape).withDevice(leaf().device())
        : leaf().memory(1, firstElement(), dtype, physicalShape);
  }

  /** The elements where they are, in the order of the logical dimensions, with their owner. */
  Memory shared(boolean readOnly) {
    return leaf()
        .memory(
            1,
            firstElement(),
            dtype,
            ordered(physicalShape),
            ordered(Shapes.rowMajor(physicalShape)),
            dimNames,
            readOnly,
            true);
  }

  /** A copy of the elements in memory order, in the order of the logical dimensions. */
  Memory logical(Memory physical) {
    return new Memory(
        physical.address(),
        dtype,
        ordered(physical.shape()),
        ordered(physical.strides()),
        physical.offset(),
        physical.device(),
        dimNames,
        physical.readOnly(),
        physical.owner(),
        null,
        physical.outcome(),
        physical.ready());
  }

  private long[] ordered(long[] physical) {
    if (axes == null) {
      return physical;
    }
    long[] logical = new long[axes.length];
    for (int d = 0; d < axes.length; d++) {
      logical[d] = physical[axes[d]];
    }
    return logical;
  }

  /** Values of {@code level} below one row; 1 where there are none. */
  long valuesPerRow(Level level) {
    return Math.max(1, level.count / Math.max(1, levels.get(0).count));
  }

  /** Elements below one value of {@code level}. */
  long elementsPer(Level level) {
    return level.count == 0 ? 1 : elements() / level.count;
  }

  /** Descends through the lists. */
  private static final class Walk {
    private final List<Level> levels = new ArrayList<>();
    private final List<Long> dims = new ArrayList<>();
    private final List<Integer> axes = new ArrayList<>();
    private final List<String> names = new ArrayList<>();

    Walk(Level rows) {
      levels.add(rows);
      addAxis(rows.count, "");
    }

    NodeLayout layout(Storage storage) {
      Level level = levels.get(0);
      while (level.node.storageType() instanceof ArrowType.FixedSizeList list) {
        addDimensions(level.node, list.getListSize());
        level = below(level, list.getListSize());
        requirePlain(levels.get(0).node, level.node);
        levels.add(level);
      }
      boolean named = names.stream().anyMatch(name -> !name.isEmpty());
      return new NodeLayout(
          levels,
          ElementTypes.of(Element.of(level.node), storage),
          dims.stream().mapToLong(Long::longValue).toArray(),
          isPermuted() ? axes.stream().mapToInt(Integer::intValue).toArray() : null,
          named ? axes.stream().map(names::get).toList() : List.of());
    }

    private Level below(Level list, int listSize) {
      ArrowNode child = list.node.child(0);
      try {
        long start = Math.addExact(Math.multiplyExact(list.start, (long) listSize), child.offset());
        long count = Math.multiplyExact(list.count, (long) listSize);
        requireLength(list.node, child, Math.addExact(start, count));
        return new Level(child, start, count);
      } catch (ArithmeticException e) {
        throw new InvalidStructException(
            "Invalid list size "
                + listSize
                + " of "
                + levels.get(0).node.label()
                + ": the extent overflows 64 bits");
      }
    }

    private boolean isPermuted() {
      for (int d = 0; d < axes.size(); d++) {
        if (axes.get(d) != d) {
          return true;
        }
      }
      return false;
    }

    private void addAxis(long dim, String name) {
      axes.add(dims.size());
      dims.add(dim);
      names.add(name);
    }

    private void addDimensions(ArrowNode level, int listSize) {
      if (!TensorMetadata.FIXED_SHAPE_TENSOR.equals(level.extensionName())) {
        addAxis(listSize, "");
        return;
      }
      TensorMetadata tensor = TensorMetadata.parse(level.extensionMetadata(), listSize);
      int first = dims.size();
      for (int d = 0; d < tensor.shape().length; d++) {
        addAxis(tensor.shape()[d], tensor.dimNames().isEmpty() ? "" : tensor.dimNames().get(d));
      }
      for (int d = 0; d < tensor.shape().length; d++) {
        axes.set(first + d, first + tensor.permutation()[d]);
      }
    }

    private static void requirePlain(ArrowNode top, ArrowNode level) {
      if (level.isDictionaryEncoded()) {
        throw new UnsupportedTypeException(
            "Cannot hand out "
                + top.label()
                + ": the values in its lists are indices into a dictionary; decode them first");
      }
    }

    private static void requireLength(ArrowNode list, ArrowNode child, long end) {
      if (end > Math.addExact(child.offset(), child.length())) {
        throw new InvalidStructException(
            "Invalid child length "
                + child.length()
                + " of "
                + list.label()
                + ": its list rows need "
                + (end - child.offset()));
      }
    }
  }
}
