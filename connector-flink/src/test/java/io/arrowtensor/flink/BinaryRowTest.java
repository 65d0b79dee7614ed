package io.arrowtensor.flink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.Nulls;
import io.arrowtensor.NullsException;
import io.arrowtensor.Options;
import io.arrowtensor.Storage;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.data.GenericArrayData;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.data.binary.BinaryRowData;
import org.apache.flink.table.runtime.typeutils.InternalTypeInfo;
import org.apache.flink.table.types.logical.FloatType;
import org.apache.flink.table.types.logical.RowType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;
import org.junit.jupiter.params.provider.ValueSource;

/** Fields of fixed width, which binary rows have in slots, of rows of every form in one batch. */
@ExtendWith(NothingHeld.class)
class BinaryRowTest {
  private static final Options ALL =
      Options.defaults().withStorage(Storage.AS_BYTES).withNulls(Nulls.MASK);

  /** From 57 fields on the null bits take more than one word. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 9, 56, 57, 120, 121, 200})
  void rowsOfEveryFormGiveTheSameColumns(int arity) throws Exception {
    RowType type = SomeRows.type(arity);
    List<String> names = Arrays.asList(SomeRows.names(arity));
    Collections.shuffle(names, new Random(arity));
    String[] columns = names.subList(0, (arity + 1) / 2).toArray(String[]::new);
    Seen seen = Seen.of(InternalTypeInfo.of(type), ALL, SomeRows.mixed(type), columns);
    for (int c = 0; c < columns.length; c++) {
      SomeRows.requireField(seen, c, type, type.getFieldIndex(columns[c]));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {3, 60})
  void nullsOfEveryFormAreMasked(int arity) throws Exception {
    RowType type = SomeRows.type(arity, c -> new FloatType(true));
    List<RowData> rows = new ArrayList<>();
    for (RowForm form : RowForm.values()) {
      GenericRowData row = SomeRows.row(type, 0);
      rows.add(form.of(type, row));
      GenericRowData other = SomeRows.row(type, 1);
      other.setField(arity - 1, null);
      rows.add(form.of(type, other));
    }
    Seen seen = Seen.of(InternalTypeInfo.of(type), ALL, rows, "f0", "f" + (arity - 1));
    boolean[] present = seen.present(1);
    assertThat(seen.present(0)).as("mask of a column without nulls").isEmpty();
    assertThat(present).as("rows").hasSameSizeAs(rows);
    for (int row = 0; row < present.length; row++) {
      assertThat(present[row]).as("row %d", row).isEqualTo(row % 2 == 0);
      assertThat(seen.numbers(0)[row]).as("the field beside").isEqualTo(row % 2 * -500.0);
    }
  }

  @ParameterizedTest
  @EnumSource
  void aNullThatMustNotBeIsRefusedWithFieldAndRow(RowForm form) {
    RowType nullable = SomeRows.type(70, c -> new FloatType(true));
    RowType type = SomeRows.type(70, c -> new FloatType(false));
    GenericRowData broken = SomeRows.row(type, 1);
    broken.setField(60, null);
    List<RowData> rows = List.of(form.of(type, SomeRows.row(type, 0)), form.of(nullable, broken));
    assertThatThrownBy(() -> Seen.of(InternalTypeInfo.of(type), ALL, rows, "f3", "f60"))
        .hasCauseInstanceOf(NullsException.class)
        .hasMessageContaining(
            "first bad row 1 of this attempt, for Look(f3, f60): Cannot hand out field 'f60' with"
                + " nulls: row 1 of the batch is the first; filter them out, or declare it"
                + " nullable: it is FLOAT NOT NULL");
  }

  @Test
  void aNullInAFieldThatIsNotReadDoesNotMatter() throws Exception {
    RowType type = SomeRows.type(3, c -> new FloatType(c == 1));
    GenericRowData row = SomeRows.row(type, 1);
    row.setField(1, null);
    List<RowData> rows = List.of(RowForm.BINARY.of(type, row));
    Seen seen = Seen.of(InternalTypeInfo.of(type), ALL, rows, "f2", "f0");
    assertThat(seen.numbers(0)).as("f2").containsExactly(-501);
    assertThat(seen.numbers(1)).as("f0").containsExactly(-500);
  }

  /** Where slots begin depends on how many fields the row has, not on what was declared. */
  @Test
  void aRowOfMoreFieldsThanDeclaredIsReadAtItsOwnPlaces() throws Exception {
    RowType type = SomeRows.type(9);
    RowType longer = SomeRows.type(70);
    List<RowData> rows = new ArrayList<>();
    for (int row = 0; row < 2; row++) {
      rows.add(RowForm.BINARY.of(longer, SomeRows.row(longer, row)));
    }
    Seen seen = Seen.of(InternalTypeInfo.of(type), ALL, rows, SomeRows.names(9));
    for (int c = 0; c < 9; c++) {
      SomeRows.requireField(seen, c, type, c);
    }
  }

  /** Strings, arrays and timestamps are not in slots as a column needs them. */
  @ParameterizedTest
  @EnumSource(
      mode = Mode.EXCLUDE,
      names = {"COLUMNAR"})
  void fieldsInSlotsAndOthersAreReadOfOneRow(RowForm form) throws Exception {
    RowType type =
        (RowType)
            DataTypes.ROW(
                    DataTypes.FIELD("text", DataTypes.STRING()),
                    DataTypes.FIELD("x", DataTypes.FLOAT().notNull()),
                    DataTypes.FIELD("time", DataTypes.TIMESTAMP(3).notNull()),
                    DataTypes.FIELD("n", DataTypes.BIGINT()),
                    DataTypes.FIELD("list", DataTypes.ARRAY(DataTypes.INT())))
                .getLogicalType();
    List<RowData> rows = new ArrayList<>();
    for (int row = 0; row < 3; row++) {
      StringData text = StringData.fromString("a long text, number " + row);
      TimestampData time = TimestampData.fromEpochMillis(row);
      GenericArrayData list = new GenericArrayData(new int[] {row, 2 * row});
      Long n = row == 1 ? null : Long.valueOf(row);
      rows.add(form.of(type, GenericRowData.of(text, row + 0.5f, time, n, list)));
    }
    Seen seen = Seen.of(InternalTypeInfo.of(type), ALL, rows, "n", "text", "x", "list", "time");
    assertThat(seen.numbers(0)[2]).as("n").isEqualTo(2);
    assertThat(seen.present(0)).as("n").containsExactly(true, false, true);
    assertThat(seen.text(1)).as("text").endsWith("number 1a long text, number 2");
    assertThat(seen.numbers(2)).as("x").containsExactly(0.5, 1.5, 2.5);
    assertThat(seen.numbers(3)).as("list").containsExactly(0, 0, 1, 2, 2, 4);
    assertThat(seen.numbers(4)).as("time").containsExactly(0, 1000, 2000);
  }

  /** What the test of every form is about: the first one is what the fast way takes. */
  @Test
  void theFormsAreWhatTheySay() {
    RowType type = SomeRows.type(9);
    BinaryRowData row = (BinaryRowData) RowForm.BINARY.of(type, SomeRows.row(type, 0));
    assertThat(row.getOffset()).as("offset").isZero();
    assertThat(row.getSegments()[0].isOffHeap()).as("off-heap").isFalse();
    row = (BinaryRowData) RowForm.OFF_HEAP.of(type, SomeRows.row(type, 0));
    assertThat(row.getSegments()[0].isOffHeap()).as("off-heap").isTrue();
    row = (BinaryRowData) RowForm.WITHIN_A_PAGE.of(type, SomeRows.row(type, 0));
    assertThat(row.getOffset()).as("offset").isPositive();
  }
}
