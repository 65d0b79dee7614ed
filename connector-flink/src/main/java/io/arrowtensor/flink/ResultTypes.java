package io.arrowtensor.flink;

import io.arrowtensor.BatchSchema;
import io.arrowtensor.BatchSchema.Column;
import io.arrowtensor.DType;
import io.arrowtensor.UnsupportedTypeException;
import io.arrowtensor.internal.FunctionChecks;
import java.util.Map;
import org.apache.flink.table.types.logical.ArrayType;
import org.apache.flink.table.types.logical.BigIntType;
import org.apache.flink.table.types.logical.BooleanType;
import org.apache.flink.table.types.logical.DoubleType;
import org.apache.flink.table.types.logical.FloatType;
import org.apache.flink.table.types.logical.IntType;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.table.types.logical.SmallIntType;
import org.apache.flink.table.types.logical.TinyIntType;
import org.apache.flink.table.types.logical.VarBinaryType;
import org.apache.flink.table.types.logical.VarCharType;

/** A function's results as the fields of a table's row. */
final class ResultTypes {
  /** Signed types as they are; unsigned ones, which Flink lacks, as the next wider signed type. */
  private static final Map<DType, Cell> CELLS =
      Map.of(
          DType.BOOL, Cell.BOOL,
          DType.INT8, Cell.INT8,
          DType.INT16, Cell.INT16,
          DType.INT32, Cell.INT32,
          DType.INT64, Cell.INT64,
          DType.FLOAT32, Cell.FLOAT32,
          DType.FLOAT64, Cell.FLOAT64,
          DType.UINT8, Cell.INT16,
          DType.UINT16, Cell.INT32,
          DType.UINT32, Cell.INT64);

  private ResultTypes() {}

  /**
   * The type of a row of results.
   *
   * @param propagated whether any result may be null because an argument is
   * @throws UnsupportedTypeException naming the first column that Flink has no type for
   */
  static RowType of(BatchSchema results, boolean propagated) {
    FunctionChecks.requireRow(results);
    RowType.RowField[] fields = new RowType.RowField[results.columns().size()];
    for (int i = 0; i < fields.length; i++) {
      Column column = results.columns().get(i);
      LogicalType type = type(column).copy(column.nullable() || propagated);
      fields[i] = new RowType.RowField(column.name(), type);
    }
    return new RowType(false, java.util.List.of(fields));
  }

  private static LogicalType type(Column column) {
    return switch (column.kind()) {
      case STRING -> new VarCharType(VarCharType.MAX_LENGTH);
      case BINARY -> new VarBinaryType(VarBinaryType.MAX_LENGTH);
      case LIST -> new ArrayType(element(column));
      case ARRAY -> {
        LogicalType type = element(column);
        for (int dimension = 0; dimension < column.rowShape().size(); dimension++) {
          type = new ArrayType(false, type);
        }
        yield type;
      }
      case TENSOR ->
          throw new UnsupportedTypeException(
              "Cannot return column '"
                  + column.name()
                  + "' of tensors of different shapes to Flink, which has no such type: let the"
                  + " function return lists, or tensors of one shape");
    };
  }

  private static LogicalType element(Column column) {
    return switch (cell(column)) {
      case BOOL -> new BooleanType(false);
      case INT8 -> new TinyIntType(false);
      case INT16 -> new SmallIntType(false);
      case INT32 -> new IntType(false);
      case INT64 -> new BigIntType(false);
      case FLOAT32 -> new FloatType(false);
      case FLOAT64 -> new DoubleType(false);
      case DATE, TIME, TIMESTAMP, STRING, BINARY -> throw new AssertionError(column);
    };
  }

  /** What Flink reads an element of {@code column} as. */
  static Cell cell(Column column) {
    Cell cell = CELLS.get(column.dtype());
    if (cell == null) {
      throw new UnsupportedTypeException(
          "Cannot return column '"
              + column.name()
              + "' of "
              + column.dtype()
              + " to Flink, which has no such type: let the function cast it to float32 or int64");
    }
    return cell;
  }
}
