package io.arrowtensor.spark;

import org.apache.spark.sql.execution.vectorized.WritableColumnVector;
import org.apache.spark.sql.types.BinaryType;
import org.apache.spark.sql.types.BooleanType;
import org.apache.spark.sql.types.ByteType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DateType;
import org.apache.spark.sql.types.DoubleType;
import org.apache.spark.sql.types.FloatType;
import org.apache.spark.sql.types.IntegerType;
import org.apache.spark.sql.types.LongType;
import org.apache.spark.sql.types.ShortType;
import org.apache.spark.sql.types.StringType;
import org.apache.spark.sql.types.TimestampNTZType;
import org.apache.spark.sql.types.TimestampType;
import org.apache.spark.sql.vectorized.ColumnVector;

/** Copies chosen rows of a vector to the front of another. */
final class ColumnGather {
  /** Copies one value that is not null. */
  @FunctionalInterface
  private interface Move {
    void move(ColumnVector from, int row, WritableColumnVector to, int at);
  }

  private ColumnGather() {}

  /** Whether {@link #gather} knows the type. */
  static boolean supports(DataType type) {
    return move(type) != null;
  }

  /** Copies {@code count} rows of {@code from} to rows 0, 1, ... of the empty {@code to}. */
  static void gather(ColumnVector from, int[] rows, int count, WritableColumnVector to) {
    Move move = java.util.Objects.requireNonNull(move(from.dataType()));
    boolean nulls = from.hasNull();
    for (int i = 0; i < count; i++) {
      if (nulls && from.isNullAt(rows[i])) {
        to.putNull(i);
      } else {
        move.move(from, rows[i], to, i);
      }
    }
  }

  private static @org.jspecify.annotations.Nullable Move move(DataType type) {
    if (type instanceof BooleanType) {
      return (from, row, to, at) -> to.putBoolean(at, from.getBoolean(row));
    }
    if (type instanceof ByteType) {
      return (from, row, to, at) -> to.putByte(at, from.getByte(row));
    }
    if (type instanceof ShortType) {
      return (from, row, to, at) -> to.putShort(at, from.getShort(row));
    }
    if (type instanceof IntegerType || type instanceof DateType) {
      return (from, row, to, at) -> to.putInt(at, from.getInt(row));
    }
    if (type instanceof LongType
        || type instanceof TimestampType
        || type instanceof TimestampNTZType) {
      return (from, row, to, at) -> to.putLong(at, from.getLong(row));
    }
    if (type instanceof FloatType) {
      return (from, row, to, at) -> to.putFloat(at, from.getFloat(row));
    }
    if (type instanceof DoubleType) {
      return (from, row, to, at) -> to.putDouble(at, from.getDouble(row));
    }
    if (type instanceof StringType) {
      return (from, row, to, at) -> to.putByteArray(at, from.getUTF8String(row).getBytes());
    }
    if (type instanceof BinaryType) {
      return (from, row, to, at) -> to.putByteArray(at, from.getBinary(row));
    }
    return null;
  }
}
