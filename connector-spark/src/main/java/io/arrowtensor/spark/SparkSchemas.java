package io.arrowtensor.spark;

import io.arrowtensor.BatchSchema;
import io.arrowtensor.BatchSchema.Column;
import io.arrowtensor.ColumnKind;
import io.arrowtensor.DType;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.Nulls;
import io.arrowtensor.Options;
import io.arrowtensor.Storage;
import io.arrowtensor.UnsupportedTypeException;
import io.arrowtensor.internal.FunctionChecks;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.BinaryType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.DateType;
import org.apache.spark.sql.types.Metadata;
import org.apache.spark.sql.types.StringType;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.types.TimestampNTZType;
import org.apache.spark.sql.types.TimestampType;
import org.jspecify.annotations.Nullable;

/** Spark's column types as a function sees them, and a function's results as Spark's types. */
final class SparkSchemas {
  /** Field metadata that tells how many elements each array of a column has, as Lance writes it. */
  static final String ARRAY_SIZE = "arrow.fixed-size-list.size";

  private static final Map<DataType, DType> SCALARS =
      Map.of(
          DataTypes.BooleanType, DType.BOOL,
          DataTypes.ByteType, DType.INT8,
          DataTypes.ShortType, DType.INT16,
          DataTypes.IntegerType, DType.INT32,
          DataTypes.LongType, DType.INT64,
          DataTypes.FloatType, DType.FLOAT32,
          DataTypes.DoubleType, DType.FLOAT64);

  /** Signed types as they are; unsigned ones, which Spark lacks, as the next wider signed type. */
  private static final Map<DType, DataType> RESULTS =
      Map.of(
          DType.BOOL, DataTypes.BooleanType,
          DType.INT8, DataTypes.ByteType,
          DType.INT16, DataTypes.ShortType,
          DType.INT32, DataTypes.IntegerType,
          DType.INT64, DataTypes.LongType,
          DType.FLOAT32, DataTypes.FloatType,
          DType.FLOAT64, DataTypes.DoubleType,
          DType.UINT8, DataTypes.ShortType,
          DType.UINT16, DataTypes.IntegerType,
          DType.UINT32, DataTypes.LongType);

  private SparkSchemas() {}

  /**
   * The columns as the function gets them.
   *
   * @throws UnsupportedTypeException naming the first column without a tensor type, and the remedy
   */
  static BatchSchema columns(StructType arguments, Options options) {
    List<Column> columns = new ArrayList<>();
    for (StructField field : arguments.fields()) {
      columns.add(column(field, options));
    }
    return new BatchSchema(columns);
  }

  private static Column column(StructField field, Options options) {
    boolean nullable = field.nullable() && options.nulls().masks();
    DataType type = field.dataType();
    if (type instanceof StringType || type instanceof BinaryType) {
      if (options.storage() != Storage.AS_BYTES) {
        throw unsupported(field, "encode it as numbers first, or ask for Storage.AS_BYTES");
      }
      ColumnKind kind = type instanceof BinaryType ? ColumnKind.BINARY : ColumnKind.STRING;
      return new Column(field.name(), kind, DType.UINT8, List.of(), nullable);
    }
    List<Long> rowShape = new ArrayList<>();
    while (type instanceof ArrayType array) {
      boolean known = rowShape.isEmpty() && field.metadata().contains(ARRAY_SIZE);
      rowShape.add(known ? field.metadata().getLong(ARRAY_SIZE) : BatchSchema.DYNAMIC);
      type = array.elementType();
    }
    DType dtype = dtype(type, options.storage());
    if (dtype == null) {
      throw unsupported(field, remedy(type));
    }
    return new Column(field.name(), ColumnKind.ARRAY, dtype, rowShape, nullable);
  }

  /** The element type, null where there is none. */
  static @Nullable DType dtype(DataType type, Storage storage) {
    if (storage != Storage.REFUSE) {
      if (type instanceof DateType) {
        return DType.INT32;
      }
      if (type instanceof TimestampType || type instanceof TimestampNTZType) {
        return DType.INT64;
      }
    }
    return SCALARS.get(type);
  }

  private static String remedy(DataType type) {
    return type instanceof DateType
            || type instanceof TimestampType
            || type instanceof TimestampNTZType
        ? "cast it to a number, or ask for Storage.AS_INTEGERS"
        : "cast it to a boolean or a number";
  }

  private static UnsupportedTypeException unsupported(StructField field, String remedy) {
    return new UnsupportedTypeException(
        "Cannot use column '"
            + field.name()
            + "' of type "
            + field.dataType().simpleString()
            + " as a tensor: "
            + remedy);
  }

  /** The result columns as Spark's. */
  static StructType results(BatchSchema results, StructType arguments, Options options) {
    FunctionChecks.requireRow(results);
    boolean propagated = options.nulls().equals(Nulls.PROPAGATE) && anyNullable(arguments);
    List<StructField> fields = new ArrayList<>();
    for (Column column : results.columns()) {
      boolean nullable = column.nullable() || propagated;
      fields.add(new StructField(column.name(), resultType(column), nullable, Metadata.empty()));
    }
    return new StructType(fields.toArray(StructField[]::new));
  }

  /** Whether {@code column} has elements that Spark keeps as {@code type}. */
  static boolean holds(DataType type, DeviceColumn column) {
    return switch (column.kind()) {
      case STRING -> type instanceof StringType;
      case BINARY -> type instanceof BinaryType;
      case LIST -> type instanceof ArrayType array && isElement(array.elementType(), column);
      case ARRAY -> isElement(type, column);
      case TENSOR -> false;
    };
  }

  private static boolean isElement(DataType type, DeviceColumn column) {
    return type.equals(RESULTS.get(column.values().dtype()));
  }

  private static boolean anyNullable(StructType arguments) {
    for (StructField field : arguments.fields()) {
      if (field.nullable()) {
        return true;
      }
    }
    return false;
  }

  private static DataType resultType(Column column) {
    return switch (column.kind()) {
      case STRING -> DataTypes.StringType;
      case BINARY -> DataTypes.BinaryType;
      case LIST -> DataTypes.createArrayType(element(column), false);
      case ARRAY -> {
        DataType type = element(column);
        for (int dimension = 0; dimension < column.rowShape().size(); dimension++) {
          type = DataTypes.createArrayType(type, false);
        }
        yield type;
      }
      case TENSOR ->
          throw new UnsupportedTypeException(
              "Cannot return column '"
                  + column.name()
                  + "' of tensors of different shapes to Spark, which has no such type: let the"
                  + " function return lists, or tensors of one shape");
    };
  }

  private static DataType element(Column column) {
    DataType type = RESULTS.get(column.dtype());
    if (type == null) {
      throw new UnsupportedTypeException(
          "Cannot return column '"
              + column.name()
              + "' of "
              + column.dtype()
              + " to Spark, which has no such type: let the function cast it to float32 or int64");
    }
    return type;
  }
}
