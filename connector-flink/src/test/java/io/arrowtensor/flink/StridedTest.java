package io.arrowtensor.flink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.CopyReason;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.Lifetime;
import io.arrowtensor.Matrix;
import io.arrowtensor.Nulls;
import io.arrowtensor.NullsException;
import io.arrowtensor.Options;
import io.arrowtensor.Outcome;
import io.arrowtensor.Storage;
import io.arrowtensor.dlpack.Dlpack;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.runtime.typeutils.InternalTypeInfo;
import org.apache.flink.table.types.logical.BigIntType;
import org.apache.flink.table.types.logical.DoubleType;
import org.apache.flink.table.types.logical.FloatType;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.table.types.logical.TimestampType;
import org.apache.flink.table.types.logical.VarCharType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What functions that read strides are lent: fields where rows have them, against plain values. */
@ExtendWith(NothingHeld.class)
class StridedTest {
  private static final Options ALL =
      Options.defaults().withStorage(Storage.AS_BYTES).withNulls(Nulls.MASK);

  private static TypeInformation<RowData> info(RowType type) {
    return InternalTypeInfo.of(type);
  }

  private static List<DeviceArray> arrays(DeviceBatch batch) {
    return batch.columns().stream().map(DeviceColumn::values).toList();
  }

  /** From 57 fields on the null bits take more than one word. */
  @ParameterizedTest
  @ValueSource(ints = {2, 9, 56, 57, 120, 121, 200})
  void rowsOfEveryFormLieInTheSamePlaces(int arity) throws Exception {
    RowType type = SomeRows.type(arity);
    List<String> names = Arrays.asList(SomeRows.names(arity));
    Collections.shuffle(names, new Random(arity));
    String[] columns = names.subList(0, arity - arity / 3).toArray(String[]::new);
    int[] fields = Stream.of(columns).mapToInt(type::getFieldIndex).toArray();
    int first = Arrays.stream(fields).min().getAsInt();
    int slots = Arrays.stream(fields).max().getAsInt() - first + 1;
    Seen seen =
        Seen.strided(
            info(type),
            ALL,
            SomeRows.mixed(type),
            batch -> {
              List<DeviceArray> arrays = arrays(batch);
              long start = arrays.get(0).address() - 8L * (fields[0] - first);
              for (int c = 0; c < fields.length; c++) {
                DeviceArray array = arrays.get(c);
                long width = array.dtype().itemSize();
                assertThat(array.address()).as("slot").isEqualTo(start + 8L * (fields[c] - first));
                assertThat(array.strides()).as("row").containsExactly(slots * 8L / width);
                assertThat(array.outcome())
                    .isEqualTo(Outcome.copied(batch.rowCount() * width, CopyReason.ROWS));
                assertThat(array.isReadOnly()).as("read-only").isFalse();
              }
            },
            columns);
    for (int c = 0; c < columns.length; c++) {
      SomeRows.requireField(seen, c, type, fields[c]);
    }
  }

  static Stream<LogicalType> neighbours() {
    return Stream.of(new FloatType(false), new DoubleType(false), new BigIntType(false));
  }

  /** Fields of 8 bytes are a row-major matrix as they are, which engines take without strides. */
  @ParameterizedTest
  @MethodSource("neighbours")
  void neighboursOfOneTypeAreAMatrixWithoutCopy(LogicalType field) throws Exception {
    RowType type = SomeRows.type(5, c -> field);
    Seen.strided(
        info(type),
        ALL,
        SomeRows.mixed(type),
        batch -> {
          List<DeviceArray> arrays = arrays(batch);
          int width = arrays.get(0).dtype().itemSize();
          try (DeviceArray matrix = Matrix.strided(arrays)) {
            assertThat(matrix.address()).isEqualTo(arrays.get(0).address());
            assertThat(matrix.shape()).containsExactly(batch.rowCount(), 3);
            assertThat(matrix.strides()).containsExactly(3L * 8 / width, 8 / width);
            assertThat(matrix.outcome().isZeroCopy()).isTrue();
            assertThat(matrix.isContiguous()).as("row-major").isEqualTo(width == 8);
          }
        },
        "f1",
        "f2",
        "f3");
  }

  @Test
  void anExportOfOneHasItsStridesAndAnExportToKeepIsACopyInOrder() throws Exception {
    RowType type = SomeRows.type(3, c -> new FloatType(false));
    Seen.strided(
        info(type),
        ALL,
        SomeRows.mixed(type),
        batch -> {
          DeviceArray column = batch.column("f1").array();
          long pinned = Dlpack.export(column, ALL.withLifetime(Lifetime.SCOPE));
          try (DeviceArray again = DeviceArray.from(Dlpack.take(pinned))) {
            assertThat(again.address()).isEqualTo(column.address());
            assertThat(again.strides()).containsExactly(3 * 8 / 4);
          }
          try (DeviceArray copy = DeviceArray.from(Dlpack.take(Dlpack.export(column)))) {
            assertThat(copy.isContiguous()).as("contiguous").isTrue();
            assertThat(Sum.at(copy, 5)).isEqualTo(Sum.at(column, 5));
          }
          assertThatThrownBy(column::byteBuffer)
              .hasMessageContaining("with strides [6]")
              .hasMessageContaining("copy it with contiguous(Options)");
          float value = column.spanBuffer().asFloatBuffer().get(5 * 6);
          assertThat((double) value).as("row 5").isEqualTo(Sum.at(column, 5));
        },
        "f0",
        "f1",
        "f2");
  }

  @ParameterizedTest
  @EnumSource
  void aNullIsRefusedWithFieldAndRow(RowForm form) {
    RowType nullable = SomeRows.type(70, c -> new FloatType(true));
    RowType type = SomeRows.type(70, c -> new FloatType(false));
    GenericRowData broken = SomeRows.row(type, 1);
    broken.setField(61, null);
    List<RowData> rows = List.of(form.of(type, SomeRows.row(type, 0)), form.of(nullable, broken));
    assertThatThrownBy(() -> Seen.strided(info(type), ALL, rows, batch -> {}, "f60", "f61"))
        .hasCauseInstanceOf(NullsException.class)
        .hasMessageContaining(
            "first bad row 1 of this attempt, for Look(f60, f61): Cannot hand out field 'f61' with"
                + " nulls: row 1 of the batch is the first; filter them out, or declare it"
                + " nullable: it is FLOAT NOT NULL");
  }

  @Test
  void fieldsThatMayBeNullOrHaveNoSlotLieBesideThem() throws Exception {
    LogicalType[] types = {
      new FloatType(false), new FloatType(true), new VarCharType(false, 9), new FloatType(false)
    };
    RowType type = SomeRows.type(4, c -> types[c]);
    List<RowData> rows = new ArrayList<>();
    for (RowForm form : RowForm.values()) {
      if (form != RowForm.COLUMNAR) {
        Float second = rows.size() % 2 == 0 ? null : Float.valueOf(rows.size());
        StringData text = StringData.fromString("row " + rows.size());
        rows.add(form.of(type, GenericRowData.of(rows.size() + 0.5f, second, text, 1.5f)));
      }
    }
    Seen seen =
        Seen.strided(
            info(type),
            ALL,
            rows,
            batch -> {
              assertThat(batch.column("f0").values().strides()).containsExactly(4 * 8 / 4);
              assertThat(batch.column("f1").values().isContiguous()).isTrue();
            },
            "f1",
            "f2",
            "f0",
            "f3");
    for (int row = 0; row < rows.size(); row++) {
      assertThat(seen.present(0)[row]).as("present").isEqualTo(row % 2 == 1);
      assertThat(seen.numbers(2)[row]).as("f0").isEqualTo(row + 0.5);
      assertThat(seen.numbers(3)[row]).as("f3").isEqualTo(1.5);
    }
    assertThat(seen.numbers(0)[3]).as("f1").isEqualTo(3);
    assertThat(seen.text(1)).as("f2").startsWith("row 0row 1");
  }

  static Stream<Arguments> denseOnes() {
    FloatType fixed = new FloatType(false);
    return Stream.of(
        Arguments.of("fields that may be null", new FloatType(true), ALL, new int[] {0, 1}),
        Arguments.of("times", new TimestampType(false, 3), ALL, new int[] {0, 1}),
        Arguments.of("one field", fixed, ALL, new int[] {1}),
        Arguments.of("few of many fields", fixed, ALL, new int[] {0, 5}),
        Arguments.of(
            "an alignment that slots lack", fixed, ALL.withAlignment(16), new int[] {0, 1}));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("denseOnes")
  void whereSlotsGainNothingColumnsAreContiguous(
      String why, LogicalType field, Options options, int[] fields) throws Exception {
    RowType type = SomeRows.type(6, c -> field);
    String[] columns = Arrays.stream(fields).mapToObj(f -> "f" + f).toArray(String[]::new);
    List<RowData> rows = new ArrayList<>();
    for (int row = 0; row < 3; row++) {
      rows.add(RowForm.BINARY.of(type, SomeRows.row(type, row)));
    }
    Seen.strided(
        info(type),
        options,
        rows,
        batch -> assertThat(arrays(batch)).as(why).allMatch(DeviceArray::isContiguous),
        columns);
  }

  @Test
  void aFunctionThatDoesNotSayThatItReadsStridesGetsNone() throws Exception {
    RowType type = SomeRows.type(9);
    Seen.of(
        info(type),
        ALL,
        SomeRows.mixed(type),
        batch -> assertThat(arrays(batch)).allMatch(DeviceArray::isContiguous),
        SomeRows.names(9));
  }
}
