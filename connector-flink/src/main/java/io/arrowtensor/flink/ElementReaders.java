package io.arrowtensor.flink;

import io.arrowtensor.InterchangeException;
import io.arrowtensor.Options;
import io.arrowtensor.UnsupportedTypeException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.java.typeutils.PojoTypeInfo;
import org.apache.flink.api.java.typeutils.RowTypeInfo;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.types.DataTypeQueryable;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.types.Row;

/** Finds the fields that become columns, while a job is built. */
final class ElementReaders {
  private ElementReaders() {}

  /**
   * A reader of {@code names}.
   *
   * @throws InterchangeException naming what is not there
   * @throws UnsupportedTypeException naming the field, or the type of elements, that cannot be read
   */
  @SuppressWarnings("unchecked") // the type says what the elements are
  static <T> InputReader<T> of(
      TypeInformation<T> type, List<String> names, List<String> kept, Options options) {
    if (names.isEmpty()) {
      throw new InterchangeException("Cannot read no columns: name at least one with columns(...)");
    }
    if (type instanceof BatchTypeInfo batches) {
      return (InputReader<T>) WholeReader.of(batches, names, kept, options);
    }
    if (type instanceof PojoTypeInfo<T> pojo) {
      IntFunction<FieldType> types =
          i -> {
            boolean primitive = pojo.getPojoFieldAt(i).getField().getType().isPrimitive();
            return FieldType.of(pojo.getTypeAt(i), !primitive);
          };
      return new PojoReader<>(
          pojo, fields(names, kept, List.of(pojo.getFieldNames()), types, options));
    }
    if (type instanceof RowTypeInfo row) {
      IntFunction<FieldType> types = i -> FieldType.of(row.getTypeAt(i), true);
      return (ElementReader<T>)
          new RowReader(fields(names, kept, List.of(row.getFieldNames()), types, options));
    }
    if (type instanceof DataTypeQueryable table
        && table.getDataType().getLogicalType() instanceof RowType row) {
      IntFunction<FieldType> types = i -> FieldType.of(row.getTypeAt(i));
      List<InputField> fields = fields(names, kept, row.getFieldNames(), types, options);
      if (RowData.class.isAssignableFrom(type.getTypeClass())) {
        return (ElementReader<T>) new RowDataReader(fields, row.getFieldCount());
      }
      if (Row.class.equals(type.getTypeClass())) {
        return (ElementReader<T>) new RowReader(fields);
      }
    }
    throw new UnsupportedTypeException(
        "Cannot read columns of a stream of "
            + type
            + ": expected elements that are POJOs, Row or RowData with known fields, or batches of a"
            + " BatchTypeInfo; map them to a public class with a public constructor without"
            + " arguments and public fields or getters and setters, or name the type with"
            + " returns(...)");
  }

  private static List<InputField> fields(
      List<String> names,
      List<String> kept,
      List<String> known,
      IntFunction<FieldType> types,
      Options options) {
    List<InputField> fields = new ArrayList<>();
    for (String name : names) {
      fields.add(field(name, false, known, types, options));
    }
    for (String name : kept) {
      fields.add(field(name, true, known, types, InputField.asItIs(options)));
    }
    return fields;
  }

  private static InputField field(
      String name,
      boolean kept,
      List<String> known,
      IntFunction<FieldType> types,
      Options options) {
    int position = known.indexOf(name);
    if (position < 0) {
      throw new InterchangeException(
          "Cannot find field '" + name + "': the elements have " + known);
    }
    FieldType type = types.apply(position);
    return new InputField(position, type, type.column(name, options), kept);
  }
}
