package io.arrowtensor.flink.file;

import io.arrowtensor.BatchSchema.Column;
import io.arrowtensor.ColumnKind;
import io.arrowtensor.DType;
import io.arrowtensor.UnsupportedTypeException;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.apache.parquet.column.Encoding;
import org.apache.parquet.schema.LogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.IntLogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.TimeLogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.TimestampLogicalTypeAnnotation;
import org.apache.parquet.schema.PrimitiveType;
import org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName;
import org.apache.parquet.schema.Type;
import org.jspecify.annotations.Nullable;

/**
 * Which column batches have for a column of a Parquet file: <a
 * href="https://github.com/apache/parquet-format/blob/master/LogicalTypes.md">its stored type</a>,
 * bytes with offsets for text and binary.
 */
final class ParquetColumn {
  private ParquetColumn() {}

  /**
   * The column of batches.
   *
   * @throws UnsupportedTypeException naming the column, its type and the remedy
   */
  static Column of(Type type) {
    if (!type.isPrimitive() || type.isRepetition(Type.Repetition.REPEATED)) {
      throw refusal(type, "it is nested");
    }
    PrimitiveType primitive = type.asPrimitiveType();
    LogicalTypeAnnotation logical = primitive.getLogicalTypeAnnotation();
    PrimitiveTypeName stored = primitive.getPrimitiveTypeName();
    boolean nullable = type.isRepetition(Type.Repetition.OPTIONAL);
    if (stored == PrimitiveTypeName.BINARY) {
      return new Column(type.getName(), bytes(type, logical), DType.UINT8, List.of(), nullable);
    }
    return Column.scalar(type.getName(), scalar(type, stored, logical)).withNullable(nullable);
  }

  /** How the values of a column may be encoded. */
  @SuppressWarnings("deprecation") // the name of dictionary encoding in files of version 1
  static Set<Encoding> readable(Type type) {
    Set<Encoding> dictionary =
        EnumSet.of(Encoding.PLAIN, Encoding.PLAIN_DICTIONARY, Encoding.RLE_DICTIONARY);
    return switch (type.asPrimitiveType().getPrimitiveTypeName()) {
      case BOOLEAN -> EnumSet.of(Encoding.PLAIN, Encoding.RLE);
      case FLOAT, DOUBLE -> with(dictionary, Encoding.BYTE_STREAM_SPLIT);
      case INT32, INT64 ->
          with(dictionary, Encoding.BYTE_STREAM_SPLIT, Encoding.DELTA_BINARY_PACKED);
      default -> dictionary;
    };
  }

  private static Set<Encoding> with(Set<Encoding> encodings, Encoding... others) {
    encodings.addAll(List.of(others));
    return encodings;
  }

  /** What the integers of a column count, empty for plain values. */
  static String unit(Type type) {
    LogicalTypeAnnotation logical = type.getLogicalTypeAnnotation();
    if (logical instanceof TimestampLogicalTypeAnnotation timestamp) {
      return timestamp.getUnit() + " since 1970";
    }
    if (logical instanceof TimeLogicalTypeAnnotation time) {
      return time.getUnit() + " of the day";
    }
    return LogicalTypeAnnotation.dateType().equals(logical) ? "DAYS since 1970" : "";
  }

  private static ColumnKind bytes(Type type, @Nullable LogicalTypeAnnotation logical) {
    if (logical == null || logical.equals(LogicalTypeAnnotation.bsonType())) {
      return ColumnKind.BINARY;
    }
    if (logical.equals(LogicalTypeAnnotation.stringType())
        || logical.equals(LogicalTypeAnnotation.enumType())
        || logical.equals(LogicalTypeAnnotation.jsonType())) {
      return ColumnKind.STRING;
    }
    throw refusal(type, "its bytes stand for " + logical);
  }

  private static DType scalar(
      Type type, PrimitiveTypeName stored, @Nullable LogicalTypeAnnotation logical) {
    return switch (stored) {
      case BOOLEAN -> DType.BOOL;
      case FLOAT -> DType.FLOAT32;
      case DOUBLE -> DType.FLOAT64;
      case INT32, INT64 -> integer(type, stored, logical);
      default -> throw refusal(type, "its values are " + stored);
    };
  }

  private static DType integer(
      Type type, PrimitiveTypeName stored, @Nullable LogicalTypeAnnotation logical) {
    if (logical instanceof LogicalTypeAnnotation.DecimalLogicalTypeAnnotation) {
      throw refusal(type, "its integers stand for " + logical);
    }
    if (logical instanceof IntLogicalTypeAnnotation integer) {
      DType signed = DType.INT64;
      return new DType(
          integer.isSigned() ? signed.code() : DType.UINT64.code(), integer.getBitWidth(), 1);
    }
    return stored == PrimitiveTypeName.INT32 ? DType.INT32 : DType.INT64;
  }

  private static UnsupportedTypeException refusal(Type type, String why) {
    return new UnsupportedTypeException(
        "its column '"
            + type.getName()
            + "' cannot be read as an array: "
            + why
            + " ("
            + type
            + "); leave it out, or write it as numbers, text or bytes");
  }

  /** Where up to {@code rows} values of {@code column} go: memory of {@link ParquetSlabs}. */
  static ParquetVector vector(Column column, int rows) {
    return column.kind() == ColumnKind.ARRAY
        ? new FixedVector(column, rows)
        : new BytesVector(column, rows);
  }
}
