package io.arrowtensor.arrow;

import io.arrowtensor.DeviceColumn;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.UnsupportedTypeException;
import io.arrowtensor.internal.Closing;
import io.arrowtensor.internal.Owner;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.jspecify.annotations.Nullable;

/**
 * A node as a source of an array, a column or, when it is a struct, a batch. Drops its own
 * reference to a taken struct once opened.
 */
final class NodeSource implements ArrowSource {
  private final ArrowNode node;
  private final @Nullable Owner taken;
  private boolean opened;

  NodeSource(ArrowNode node, @Nullable Owner taken) {
    this.node = node;
    this.taken = taken;
  }

  @Override
  public Memory open(Options options) {
    return once(n -> NodeArrays.open(n, options));
  }

  @Override
  public DeviceColumn openColumn(Options options) {
    return once(n -> NodeColumns.open(n, options));
  }

  @Override
  public OwnedBatch openBatch(Options options) {
    return once(n -> batch(n, options));
  }

  private static OwnedBatch batch(ArrowNode node, Options options) {
    if (!(node.storageType() instanceof ArrowType.Struct)) {
      throw new UnsupportedTypeException(
          "Cannot read "
              + node.label()
              + " of type "
              + node.storageType()
              + " as a batch: expected a struct");
    }
    NodeNulls.rejectRows(
        node, options.nulls(), "filter such rows out, or make their fields null instead");
    List<DeviceColumn> columns = new ArrayList<>();
    try {
      for (int i = 0; i < node.field().getChildren().size(); i++) {
        columns.add(
            NodeColumns.open(SlicedNode.of(node.child(i), node.offset(), node.length()), options));
      }
    } catch (RuntimeException | Error e) {
      Closing.quietly(e, columns);
      throw e;
    }
    return OwnedBatch.of(node.length(), columns);
  }

  private <T> T once(Function<ArrowNode, T> conversion) {
    if (taken != null && opened) {
      throw new IllegalStateException(
          "Cannot use " + node.label() + " again: a source of a taken struct is used once");
    }
    opened = true;
    try {
      return conversion.apply(node);
    } finally {
      if (taken != null) {
        taken.release();
      }
    }
  }
}
