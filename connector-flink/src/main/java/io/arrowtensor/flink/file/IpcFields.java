package io.arrowtensor.flink.file;

import static java.util.stream.Collectors.joining;

import io.arrowtensor.InterchangeException;
import io.arrowtensor.Nulls;
import io.arrowtensor.Options;
import io.arrowtensor.Storage;
import io.arrowtensor.UnsupportedTypeException;
import io.arrowtensor.arrow.Vectors;
import java.util.List;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.DictionaryEncoding;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.FieldType;
import org.apache.arrow.vector.types.pojo.Schema;

/**
 * The fields of a file. Those with a dictionary have the type of its values there, in memory that
 * of the indices.
 */
final class IpcFields {
  /** Nulls stay nulls, text stays bytes; what to do with them is for whoever reads the batches. */
  static final Options AS_STORED =
      Options.defaults().withNulls(Nulls.MASK).withStorage(Storage.AS_BYTES);

  private IpcFields() {}

  /** Where the columns called {@code names} are in {@code file}; all of them for no names. */
  static int[] find(IpcFile file, List<String> names) {
    List<String> all = file.schema().getFields().stream().map(Field::getName).toList();
    return (names.isEmpty() ? all : names).stream().mapToInt(name -> find(all, name)).toArray();
  }

  private static int find(List<String> all, String name) {
    int column = all.indexOf(name);
    if (column < 0 || column != all.lastIndexOf(name)) {
      throw new InterchangeException(
          "it has "
              + (column < 0 ? "no column '" : "several columns '")
              + name
              + "': its columns are "
              + all);
    }
    return column;
  }

  /** What {@code columns} of {@code file} become. */
  static FileSchema schema(IpcFile file, int[] columns) {
    List<Field> values =
        java.util.Arrays.stream(columns)
            .mapToObj(column -> values(file.schema().getFields().get(column)))
            .toList();
    return new FileSchema(
        Vectors.schema(new Schema(values), AS_STORED),
        values.stream().map(IpcFields::unit).toList());
  }

  /** What the integers of a column, or of what is nested in it, count; empty for plain values. */
  private static String unit(Field field) {
    return unit(field.getType())
        + field.getChildren().stream().map(IpcFields::unit).collect(joining());
  }

  private static String unit(ArrowType type) {
    if (type instanceof ArrowType.Timestamp timestamp) {
      return timestamp.getUnit() + "S since 1970";
    }
    if (type instanceof ArrowType.Date date) {
      return date.getUnit() + "S since 1970";
    }
    if (type instanceof ArrowType.Time time) {
      return time.getUnit() + "S of the day";
    }
    return type instanceof ArrowType.Duration duration ? duration.getUnit() + "S" : "";
  }

  /** The column as it is once its dictionary was looked up. */
  static Field values(Field field) {
    field.getChildren().forEach(child -> refuseDictionaries(field, child));
    FieldType type = new FieldType(field.isNullable(), field.getType(), null, field.getMetadata());
    return new Field(field.getName(), type, field.getChildren());
  }

  /** What the dictionary of {@code field} holds; an entry that no row names may be null. */
  static Field words(Field field) {
    Field values = values(field);
    FieldType type = new FieldType(true, values.getType(), null, values.getMetadata());
    return new Field(values.getName(), type, values.getChildren());
  }

  private static void refuseDictionaries(Field column, Field child) {
    if (child.getDictionary() != null) {
      throw new UnsupportedTypeException(
          "Cannot read column '"
              + column.getName()
              + "': what is nested in it has a dictionary; write it without");
    }
    child.getChildren().forEach(below -> refuseDictionaries(column, below));
  }

  /** The column as its nodes and buffers are in a record batch. */
  static Field stored(Field field) {
    DictionaryEncoding encoding = field.getDictionary();
    if (encoding == null) {
      FieldType type =
          new FieldType(field.isNullable(), field.getType(), null, field.getMetadata());
      List<Field> children = field.getChildren().stream().map(IpcFields::stored).toList();
      return new Field(field.getName(), type, children);
    }
    ArrowType indices =
        encoding.getIndexType() == null ? new ArrowType.Int(32, true) : encoding.getIndexType();
    return new Field(field.getName(), new FieldType(field.isNullable(), indices, null), null);
  }
}
