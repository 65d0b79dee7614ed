package io.arrowtensor.arrow;

import io.arrowtensor.DType;
import io.arrowtensor.InvalidStructException;
import io.arrowtensor.Storage;
import io.arrowtensor.UnsupportedTypeException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.apache.arrow.vector.types.pojo.ArrowType;

/**
 * How the elements of a fixed-shape node lie: through nested fixed-size lists and {@code
 * arrow.fixed_shape_tensor} down to one buffer of elements.
 */
final class NodeLayout {
  /** The node at each level, rows first; the last one holds the elements. */
  final List<ArrowNode> levels = new ArrayList<>();

  /** Values at each level: rows, then list elements. */
  final List<Long> counts = new ArrayList<>();

  /** First value at each level, in that level's buffers. */
  final List<Long> starts = new ArrayList<>();

  private final List<Long> dims = new ArrayList<>();
  private final List<Integer> axes = new ArrayList<>();
  private final List<String> names = new ArrayList<>();
  final DType dtype;
  private boolean named;

  private NodeLayout(ArrowNode node, Storage storage) {
    addAxis(node.length(), "");
    ArrowNode level = node;
    long start = node.offset();
    long count = node.length();
    add(level, start, count);
    while (level.storageType() instanceof ArrowType.FixedSizeList list) {
      addDimensions(level, list.getListSize());
      ArrowNode child = level.child(0);
      try {
        start = Math.addExact(Math.multiplyExact(start, (long) list.getListSize()), child.offset());
        count = Math.multiplyExact(count, (long) list.getListSize());
        requireLength(level, child, Math.addExact(start, count));
      } catch (ArithmeticException e) {
        throw new InvalidStructException(
            "Invalid list size "
                + list.getListSize()
                + " of "
                + node.label()
                + ": the extent overflows 64 bits");
      }
      level = child;
      requirePlain(node, level);
      add(level, start, count);
    }
    this.dtype = ElementTypes.of(Element.of(level), storage);
  }

  /** The layout of {@code node}; refuses types that are no fixed-size numbers at the bottom. */
  static NodeLayout of(ArrowNode node, Storage storage) {
    return new NodeLayout(node, storage);
  }

  private void add(ArrowNode level, long start, long count) {
    levels.add(level);
    starts.add(start);
    counts.add(count);
  }

  private void addAxis(long dim, String name) {
    axes.add(dims.size());
    dims.add(dim);
    names.add(name);
    named |= !name.isEmpty();
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

  ArrowNode leaf() {
    return levels.get(levels.size() - 1);
  }

  /** First element in the leaf's buffer. */
  long firstElement() {
    return starts.get(starts.size() - 1);
  }

  /** Shape in memory order, rows first. */
  long[] physicalShape() {
    return dims.stream().mapToLong(Long::longValue).toArray();
  }

  boolean isPermuted() {
    for (int d = 0; d < axes.size(); d++) {
      if (axes.get(d) != d) {
        return true;
      }
    }
    return false;
  }

  /** Picks {@code physical}'s entries in logical order. */
  long[] logical(long[] physical) {
    return axes.stream().mapToLong(axis -> physical[axis]).toArray();
  }

  /** Names in logical order, or an empty list. */
  List<String> dimNames() {
    return named ? axes.stream().map(names::get).toList() : Collections.emptyList();
  }

  /** Values of {@code level} below one row; 1 where there are none. */
  long valuesPerRow(int level) {
    return Math.max(1, counts.get(level) / Math.max(1, counts.get(0)));
  }

  /** Elements below one value of {@code level}. */
  long elementsPer(int level) {
    return counts.get(level) == 0 ? 1 : counts.get(counts.size() - 1) / counts.get(level);
  }
}
