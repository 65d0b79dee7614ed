package io.arrowtensor.arrow;

import io.arrowtensor.InvalidStructException;
import io.arrowtensor.internal.Owner;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.Field;
import org.jspecify.annotations.Nullable;

/**
 * Some rows of a node. The children of a struct know nothing of the struct's own offset, so it is
 * applied here.
 */
final class SlicedNode extends ArrowNode {
  private final ArrowNode node;
  private final long offset;
  private final long length;

  private SlicedNode(ArrowNode node, long offset, long length) {
    this.node = node;
    this.offset = offset;
    this.length = length;
  }

  /**
   * {@code length} rows of {@code node} from {@code start}; the node itself when that is all of it.
   */
  static ArrowNode of(ArrowNode node, long start, long length) {
    if (start == 0 && length == node.length()) {
      return node;
    }
    if (start > node.length() - length) {
      throw new InvalidStructException(
          "Invalid length "
              + node.length()
              + " of "
              + node.label()
              + ": its parent needs "
              + length
              + " rows from "
              + start);
    }
    return new SlicedNode(node, Math.addExact(node.offset(), start), length);
  }

  @Override
  Field field() {
    return node.field();
  }

  @Override
  ArrowType storageType() {
    return node.storageType();
  }

  @Override
  long length() {
    return length;
  }

  @Override
  long offset() {
    return offset;
  }

  @Override
  long nullCount() {
    return node.nullCount() == 0 ? 0 : -1;
  }

  @Override
  long buffer(int i) {
    return node.buffer(i);
  }

  @Override
  Place place() {
    return node.place();
  }

  @Override
  @Nullable Owner retain(int i) {
    return node.retain(i);
  }

  @Override
  boolean isExclusive(int i) {
    return node.isExclusive(i);
  }

  @Override
  ArrowNode child(int i) {
    return node.child(i);
  }

  @Override
  @Nullable ArrowNode dictionary() {
    return node.dictionary();
  }

  @Override
  boolean isDictionaryEncoded() {
    return node.isDictionaryEncoded();
  }
}
