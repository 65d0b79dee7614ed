package io.arrowtensor.flink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.InterchangeException;
import io.arrowtensor.Nulls;
import io.arrowtensor.NullsException;
import io.arrowtensor.Options;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.utils.JoinedRowData;
import org.apache.flink.table.runtime.typeutils.InternalTypeInfo;
import org.apache.flink.table.runtime.typeutils.RowDataSerializer;
import org.apache.flink.table.types.logical.DoubleType;
import org.apache.flink.table.types.logical.FloatType;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.RowType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Copies of many fields as one, of every kind of row, against the values that were put in. */
@ExtendWith(NothingHeld.class)
class RowCopyTest {
  private static final int ROWS = 5;

  /** Floats and doubles in turn. */
  private static RowType type(int columns) {
    return RowType.of(
        IntStream.range(0, columns)
            .mapToObj(c -> c % 2 == 0 ? new FloatType() : new DoubleType())
            .toArray(LogicalType[]::new));
  }

  private static double value(int row, int column) {
    return row * 1000 + column;
  }

  private static GenericRowData row(int row, int columns) {
    GenericRowData made = new GenericRowData(columns);
    for (int c = 0; c < columns; c++) {
      double value = value(row, c);
      made.setField(c, c % 2 == 0 ? (Object) (float) value : (Object) value);
    }
    return made;
  }

  private static String[] names(RowType type) {
    return type.getFieldNames().toArray(new String[0]);
  }

  /** One handle, exactly one, two, and handles of handles. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 15, 16, 17, 33, 300})
  void everyNumberOfColumnsIsCopied(int columns) throws Exception {
    RowType type = type(columns);
    List<RowData> rows = new ArrayList<>();
    IntStream.range(0, ROWS).forEach(row -> rows.add(row(row, columns)));
    Seen seen = Seen.of(InternalTypeInfo.of(type), Options.defaults(), rows, names(type));
    for (int c = 0; c < columns; c++) {
      int column = c;
      assertThat(seen.numbers(c))
          .as("column %s", c)
          .containsExactly(IntStream.range(0, ROWS).mapToDouble(r -> value(r, column)).toArray());
    }
  }

  /** The copy is made once; what the next row is, and where its nulls are, nobody knows then. */
  @Test
  void kindsOfRowsMayChangeFromRowToRow() throws Exception {
    RowType type = type(4);
    RowDataSerializer serializer = new RowDataSerializer(type);
    GenericRowData withNulls = row(3, 4);
    withNulls.setField(1, null);
    withNulls.setField(2, null);
    List<RowData> rows =
        List.of(
            row(0, 4),
            serializer.toBinaryRow(row(1, 4)).copy(),
            new JoinedRowData(GenericRowData.of(2000F, 2001D), GenericRowData.of(2002F, 2003D)),
            withNulls,
            serializer.toBinaryRow(withNulls).copy());
    Options filled = Options.defaults().withNulls(Nulls.fill(-1));
    Seen seen = Seen.of(InternalTypeInfo.of(type), filled, rows, names(type));
    assertThat(seen.numbers(0)).as("floats").containsExactly(0, 1000, 2000, 3000, 3000);
    assertThat(seen.numbers(1)).as("doubles").containsExactly(1, 1001, 2001, -1, -1);
    assertThat(seen.numbers(2)).as("floats").containsExactly(2, 1002, 2002, -1, -1);
    assertThat(seen.numbers(3)).as("doubles").containsExactly(3, 1003, 2003, 3003, 3003);
  }

  @Test
  void aNullInTheSecondHandleIsRefusedWithItsField() {
    RowType type = type(20);
    GenericRowData bad = row(1, 20);
    bad.setField(18, null);
    assertThatThrownBy(
            () ->
                Seen.of(
                    InternalTypeInfo.of(type),
                    Options.defaults(),
                    List.of(row(0, 20), bad),
                    names(type)))
        .hasRootCauseInstanceOf(NullsException.class)
        .hasMessageContaining("field 'f18' with nulls: row 1 of the batch");
  }

  /** A column of 2 GiB or more has no direct buffer; nothing is read or written here. */
  @Test
  void aColumnLargerThanABufferIsRefused() {
    FieldType type = FieldType.of(new DoubleType(true));
    Options masking = Options.defaults().withNulls(Nulls.MASK);
    InputField field = new InputField(0, type, type.column("f", masking), false);
    assertThat(field.column().nullable()).as("has a mask, which must not be left behind").isTrue();
    assertThatThrownBy(() -> new ScalarBuffer(field, 64, 1 << 29, masking))
        .isInstanceOf(InterchangeException.class)
        .hasMessage(
            "Cannot gather field 'f': the values of 536870912 rows take 4294967296 bytes, more than"
                + " 2 GiB; make batches smaller with maxRows(...)");
  }
}
