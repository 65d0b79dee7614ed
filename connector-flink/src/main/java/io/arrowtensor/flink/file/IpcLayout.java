package io.arrowtensor.flink.file;

import java.util.List;
import org.apache.arrow.flatbuf.RecordBatch;
import org.apache.arrow.vector.TypeLayout;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.Field;

/**
 * What one column has in a record batch, whose nodes and buffers are listed column by column, each
 * column before its children.
 *
 * @param nodes columns and children
 * @param buffers their buffers, without the variadic ones
 * @param views of how many each batch tells on its own how many buffers it has besides
 */
record IpcLayout(int nodes, int buffers, int views) {

  /** Where a column's part of a record batch starts. */
  record Place(int node, int buffer) {}

  static IpcLayout of(Field field) {
    boolean view =
        field.getType() instanceof ArrowType.Utf8View
            || field.getType() instanceof ArrowType.BinaryView;
    int nodes = 1;
    int buffers = TypeLayout.getTypeBufferCount(field.getType());
    int views = view ? 1 : 0;
    for (Field child : field.getChildren()) {
      IpcLayout below = of(child);
      nodes += below.nodes;
      buffers += below.buffers;
      views += below.views;
    }
    return new IpcLayout(nodes, buffers, views);
  }

  /** Where each column of {@code batch} starts; at the end, what a column behind the last would. */
  static Place[] places(List<IpcLayout> columns, RecordBatch batch) {
    Place[] places = new Place[columns.size() + 1];
    int node = 0;
    int buffer = 0;
    int view = 0;
    for (int c = 0; c < columns.size(); c++) {
      places[c] = new Place(node, buffer);
      IpcLayout column = columns.get(c);
      node += column.nodes;
      buffer += column.buffers;
      for (int v = 0; v < column.views; v++) {
        buffer = Math.addExact(buffer, Math.toIntExact(batch.variadicBufferCounts(view++)));
      }
    }
    places[columns.size()] = new Place(node, buffer);
    return places;
  }
}
