package io.arrowtensor.arrow;

import io.arrowtensor.BatchSchema;
import io.arrowtensor.BatchSchema.Column;
import io.arrowtensor.ColumnKind;
import io.arrowtensor.DType;
import io.arrowtensor.Options;
import io.arrowtensor.Storage;
import io.arrowtensor.UnsupportedTypeException;
import java.util.ArrayList;
import java.util.List;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.Field;

/** What columns the conversions make of Arrow fields, told before there is data. */
final class NodeSchemas {
  private NodeSchemas() {}

  /** Whether arrays of this type are batches, their fields the columns. */
  static boolean isBatch(CSchema schema) {
    return schema.field().getType() instanceof ArrowType.Struct;
  }

  /** The columns of a stream of such arrays; one where they are no structs. */
  static BatchSchema batch(CSchema schema, Options options) {
    List<CSchema> fields = isBatch(schema) ? schema.children() : List.of(schema);
    return new BatchSchema(
        fields.stream().map(f -> column(f.field(), f.dictionary() != null, options)).toList());
  }

  /** The columns of vectors of these fields. */
  static BatchSchema batch(List<Field> fields, Options options) {
    return new BatchSchema(
        fields.stream().map(f -> column(f, f.getDictionary() != null, options)).toList());
  }

  private static Column column(Field field, boolean indices, Options options) {
    boolean nullable = field.isNullable() && options.nulls().masks();
    ArrowType type = field.getType();
    VariableTensor tensor = indices ? null : VariableTensor.of(field);
    if (tensor != null) {
      Field values = field.getChildren().get(tensor.data()).getChildren().get(0);
      DType dtype = element(values, options, new ArrayList<>());
      return new Column(field.getName(), ColumnKind.TENSOR, dtype, tensor.logicalShape(), nullable);
    }
    if (!indices && (type instanceof ArrowType.List || type instanceof ArrowType.LargeList)) {
      DType dtype = element(field.getChildren().get(0), options, new ArrayList<>());
      return new Column(field.getName(), ColumnKind.LIST, dtype, List.of(), nullable);
    }
    boolean text = type instanceof ArrowType.Utf8 || type instanceof ArrowType.LargeUtf8;
    if (text || type instanceof ArrowType.Binary || type instanceof ArrowType.LargeBinary) {
      requireBytes(field, options);
      ColumnKind kind = text ? ColumnKind.STRING : ColumnKind.BINARY;
      return new Column(field.getName(), kind, DType.UINT8, List.of(), nullable);
    }
    List<Long> rowShape = new ArrayList<>();
    DType dtype = element(field, options, rowShape);
    return new Column(field.getName(), ColumnKind.ARRAY, dtype, rowShape, nullable);
  }

  private static void requireBytes(Field field, Options options) {
    if (options.storage() != Storage.AS_BYTES) {
      throw new UnsupportedTypeException(
          "Cannot hand out column '"
              + field.getName()
              + "' of type "
              + field.getType()
              + ": tensors have no strings; ask for bytes with offsets by"
              + " Options.withStorage(Storage.AS_BYTES), or leave it out");
    }
  }

  /** The type at the bottom of fixed-size lists, whose dimensions are added to {@code shape}. */
  private static DType element(Field field, Options options, List<Long> shape) {
    Field level = field;
    while (level.getType() instanceof ArrowType.FixedSizeList list) {
      TensorMetadata tensor = TensorFields.metadata(level);
      if (tensor == null) {
        shape.add((long) list.getListSize());
      } else {
        for (int axis : tensor.permutation()) {
          shape.add(tensor.shape()[axis]);
        }
      }
      level = level.getChildren().get(0);
    }
    return ElementTypes.of(Element.of(level), options.storage());
  }
}
