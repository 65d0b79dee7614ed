package io.arrowtensor.flink;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.types.logical.BigIntType;
import org.apache.flink.table.types.logical.BooleanType;
import org.apache.flink.table.types.logical.DateType;
import org.apache.flink.table.types.logical.DoubleType;
import org.apache.flink.table.types.logical.FloatType;
import org.apache.flink.table.types.logical.IntType;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.table.types.logical.SmallIntType;
import org.apache.flink.table.types.logical.TimeType;
import org.apache.flink.table.types.logical.TinyIntType;

/** Rows of fields of fixed width, no two values of which are the same where the type allows it. */
final class SomeRows {
  private static final List<LogicalType> TYPES =
      List.of(
          new FloatType(false),
          new BooleanType(false),
          new TinyIntType(false),
          new SmallIntType(false),
          new IntType(false),
          new BigIntType(false),
          new DoubleType(false),
          new DateType(false),
          new TimeType(false, 3));

  private SomeRows() {}

  /** {@code arity} fields f0, f1, ... of all types in turn, none of which may be null. */
  static RowType type(int arity) {
    return type(arity, i -> TYPES.get(i % TYPES.size()));
  }

  /** {@code arity} fields f0, f1, .... */
  static RowType type(int arity, java.util.function.IntFunction<LogicalType> field) {
    return RowType.of(
        IntStream.range(0, arity).mapToObj(field).toArray(LogicalType[]::new), names(arity));
  }

  static String[] names(int arity) {
    return IntStream.range(0, arity).mapToObj(i -> "f" + i).toArray(String[]::new);
  }

  static GenericRowData row(RowType type, int row) {
    GenericRowData made = new GenericRowData(type.getFieldCount());
    for (int c = 0; c < made.getArity(); c++) {
      made.setField(c, value(type.getTypeAt(c), row * 1000 + c));
    }
    return made;
  }

  /** Every form of row, twice, in turn. */
  static List<RowData> mixed(RowType type) {
    List<RowData> rows = new ArrayList<>();
    for (int turn = 0; turn < 2; turn++) {
      for (RowForm form : RowForm.values()) {
        rows.add(form.of(type, row(type, rows.size())));
      }
    }
    return rows;
  }

  private static Object value(LogicalType type, int seed) {
    return switch (type.getTypeRoot()) {
      case BOOLEAN -> seed % 3 == 0;
      case TINYINT -> (byte) seed;
      case SMALLINT -> (short) (seed * 31);
      case INTEGER, DATE, TIME_WITHOUT_TIME_ZONE -> seed * 7001;
      case BIGINT -> seed * 10_000_000_019L;
      case FLOAT -> seed * -0.5f;
      case DOUBLE -> seed * 0.125;
      case TIMESTAMP_WITHOUT_TIME_ZONE -> TimestampData.fromEpochMillis(seed);
      default -> throw new AssertionError(type);
    };
  }

  /** Checks that column {@code column} of {@code seen} is field {@code field} of {@link #mixed}. */
  static void requireField(Seen seen, int column, RowType type, int field) {
    double[] numbers = seen.numbers(column);
    for (int row = 0; row < numbers.length; row++) {
      Object value = Objects.requireNonNull(row(type, row).getField(field));
      double expected =
          value instanceof Boolean flag ? flag ? 1 : 0 : ((Number) value).doubleValue();
      assertThat(numbers[row]).as("row %d of field %d", row, field).isEqualTo(expected);
    }
  }
}
