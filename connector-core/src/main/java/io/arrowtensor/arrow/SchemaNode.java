package io.arrowtensor.arrow;

import io.arrowtensor.BatchSchema;
import io.arrowtensor.ColumnKind;
import io.arrowtensor.TensorRows;
import io.arrowtensor.UnsupportedTypeException;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What an {@code ArrowSchema} is to say. Holds no memory, so that it can be written often.
 *
 * @param format the C Data format string
 * @param name the field's name
 * @param metadata the field's metadata
 * @param children child schemas
 * @param dictionary schema of the dictionary's values, null when the values are no indices
 */
record SchemaNode(
    String format,
    String name,
    Map<String, String> metadata,
    List<SchemaNode> children,
    @Nullable SchemaNode dictionary) {

  /** A field without metadata and dictionary. */
  static SchemaNode plain(String format, String name, SchemaNode... children) {
    return new SchemaNode(format, name, Map.of(), List.of(children), null);
  }

  /** The schema of a stream that has no batch. */
  static SchemaNode of(BatchSchema schema) {
    return plain(
        "+s", "", schema.columns().stream().map(SchemaNode::of).toArray(SchemaNode[]::new));
  }

  private static SchemaNode of(BatchSchema.Column column) {
    if (column.kind() == ColumnKind.STRING || column.kind() == ColumnKind.BINARY) {
      return plain(column.kind() == ColumnKind.STRING ? "u" : "z", column.name());
    }
    SchemaNode node =
        new SchemaNode(
            Formats.of(ElementTypes.arrowType(column.dtype())),
            "item",
            ElementTypes.metadata(column.dtype()),
            List.of(),
            null);
    for (int d = column.rowShape().size() - 1; d >= 0; d--) {
      long dim = column.rowShape().get(d);
      if (dim < 0 || dim > Integer.MAX_VALUE) {
        throw new UnsupportedTypeException(
            "Cannot export the schema of column "
                + column
                + ": its rows' shape is not known, and the stream has no batch to tell it");
      }
      node = plain("+w:" + dim, "item", node);
    }
    return column.kind() == ColumnKind.LIST
        ? plain("+l", column.name(), node)
        : node.withName(column.name());
  }

  /** Tensors that differ in shape, as a struct of their elements as lists and of their shapes. */
  static SchemaNode tensors(String name, TensorRows rows, SchemaNode data, SchemaNode shapes) {
    List<SchemaNode> children = List.of(data, shapes);
    return new SchemaNode("+s", name, VariableTensor.metadata(rows), children, null);
  }

  /** The same under another name. */
  SchemaNode withName(String name) {
    return new SchemaNode(format, name, metadata, children, dictionary);
  }

  /** The same with what the values are indices into. */
  SchemaNode withDictionary(SchemaNode dictionary) {
    return new SchemaNode(format, name, metadata, children, dictionary);
  }
}
