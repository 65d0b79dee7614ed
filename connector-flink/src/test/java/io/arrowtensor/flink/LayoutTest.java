package io.arrowtensor.flink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.ColumnKind;
import io.arrowtensor.DType;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.Matrix;
import io.arrowtensor.Nulls;
import io.arrowtensor.NullsException;
import io.arrowtensor.Options;
import io.arrowtensor.Storage;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.data.GenericArrayData;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.data.binary.BinaryRowData;
import org.apache.flink.table.runtime.typeutils.ExternalTypeInfo;
import org.apache.flink.table.runtime.typeutils.InternalTypeInfo;
import org.apache.flink.table.runtime.typeutils.RowDataSerializer;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.types.Row;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** How fields become columns: every core type of every kind of element, against plain values. */
@ExtendWith(NothingHeld.class)
class LayoutTest {
  private static final Options BYTES = Options.defaults().withStorage(Storage.AS_BYTES);
  private static final Options MASKED = BYTES.withNulls(Nulls.MASK);

  /** Type in a table, element type of the tensor, one value as Java and as a table have it. */
  static Stream<Arguments> cells() {
    LocalDateTime time = LocalDateTime.of(2026, 11, 22, 4, 5, 6, 789_123_000);
    long micros = 1_795_320_306_789_123L;
    return Stream.of(
        Arguments.of(DataTypes.BOOLEAN(), DType.BOOL, true, true, 1.0),
        Arguments.of(DataTypes.TINYINT(), DType.INT8, (byte) -7, (byte) -7, -7.0),
        Arguments.of(DataTypes.SMALLINT(), DType.INT16, (short) 300, (short) 300, 300.0),
        Arguments.of(DataTypes.INT(), DType.INT32, 70_000, 70_000, 70_000.0),
        Arguments.of(DataTypes.BIGINT(), DType.INT64, 1L << 40, 1L << 40, (double) (1L << 40)),
        Arguments.of(DataTypes.FLOAT(), DType.FLOAT32, 1.5f, 1.5f, 1.5),
        Arguments.of(DataTypes.DOUBLE(), DType.FLOAT64, -2.25, -2.25, -2.25),
        Arguments.of(DataTypes.DATE(), DType.INT32, LocalDate.of(1970, 1, 11), 10, 10.0),
        Arguments.of(DataTypes.TIME(3), DType.INT32, LocalTime.of(0, 0, 2), 2000, 2000.0),
        Arguments.of(
            DataTypes.TIMESTAMP(6),
            DType.INT64,
            time,
            TimestampData.fromLocalDateTime(time),
            (double) micros),
        Arguments.of(
            DataTypes.TIMESTAMP(3),
            DType.INT64,
            time.withNano(0),
            TimestampData.fromLocalDateTime(time.withNano(0)),
            (double) (micros - 789_123)),
        Arguments.of(
            DataTypes.TIMESTAMP_LTZ(3),
            DType.INT64,
            Instant.ofEpochSecond(5),
            TimestampData.fromInstant(Instant.ofEpochSecond(5)),
            5e6));
  }

  private static RowType rowType(DataType... types) {
    DataTypes.Field[] fields = new DataTypes.Field[types.length];
    for (int i = 0; i < types.length; i++) {
      fields[i] = DataTypes.FIELD("f" + i, types[i]);
    }
    return (RowType) DataTypes.ROW(fields).getLogicalType();
  }

  @ParameterizedTest
  @MethodSource("cells")
  void everyCoreTypeOfATableBecomesItsTensor(
      DataType type, DType dtype, Object java, Object internal, double number) throws Exception {
    RowType row = rowType(type, type);
    BinaryRowData binary =
        new RowDataSerializer(row).toBinaryRow(GenericRowData.of(internal, null)).copy();
    List<RowData> rows = List.of(GenericRowData.of(internal, null), binary);
    Seen seen = Seen.of(InternalTypeInfo.of(row), MASKED, rows, "f1", "f0");
    assertThat(seen.dtypes()).as("types").containsExactly(dtype, dtype);
    assertThat(seen.numbers(1)).as("values").containsExactly(number, number);
    assertThat(seen.present(0)).as("the other column").containsExactly(false, false);
    assertThat(seen.present(1)).as("no mask without nulls").isEmpty();
  }

  @ParameterizedTest
  @MethodSource("cells")
  void everyCoreTypeOfARowBecomesItsTensor(
      DataType type, DType dtype, Object java, Object internal, double number) throws Exception {
    DataType row = DataTypes.ROW(DataTypes.FIELD("f0", type), DataTypes.FIELD("f1", type));
    Row named = Row.withNames();
    named.setField("f1", null);
    named.setField("f0", java);
    Seen seen =
        Seen.of(
            ExternalTypeInfo.<Row>of(row), MASKED, List.of(Row.of(java, null), named), "f0", "f1");
    assertThat(seen.dtypes()).as("types").containsExactly(dtype, dtype);
    assertThat(seen.numbers(0)).as("values").containsExactly(number, number);
    assertThat(seen.present(1)).as("the other column").containsExactly(false, false);
  }

  /** All kinds of fields that Java objects have. */
  public static class Kinds {
    public boolean flag;
    public byte tiny;
    public short small;
    public int plain;
    public long wide;
    public float single;
    public double twice;
    public Integer boxed;
    public LocalDate date;
    public String text;
    public float[] embedding;
    private Double hidden;

    public Double getHidden() {
      return hidden;
    }

    public void setHidden(Double hidden) {
      this.hidden = hidden;
    }
  }

  @Test
  void fieldsOfObjectsAreReadAlsoThePrivateOnes() throws Exception {
    Kinds kinds = new Kinds();
    kinds.flag = true;
    kinds.tiny = 2;
    kinds.small = 3;
    kinds.plain = 4;
    kinds.wide = 5;
    kinds.single = 6.5f;
    kinds.twice = 7.5;
    kinds.boxed = 8;
    kinds.date = LocalDate.of(1970, 1, 10);
    kinds.hidden = 10.5;
    String[] names = {
      "flag", "tiny", "small", "plain", "wide", "single", "twice", "boxed", "date", "hidden"
    };
    Seen seen = Seen.of(TypeInformation.of(Kinds.class), BYTES, List.of(kinds), names);
    double[] expected = {1, 2, 3, 4, 5, 6.5, 7.5, 8, 9, 10.5};
    for (int c = 0; c < names.length; c++) {
      assertThat(seen.numbers(c)).as(names[c]).containsExactly(expected[c]);
    }
  }

  @Test
  void columnsOfOneTypeAreOneMatrixWithoutCopy() throws Exception {
    RowType row =
        rowType(DataTypes.FLOAT(), DataTypes.BIGINT(), DataTypes.FLOAT(), DataTypes.FLOAT());
    List<RowData> rows =
        List.of(GenericRowData.of(1f, 9L, 2f, 3f), GenericRowData.of(4f, 9L, 5f, 6f));
    Seen.of(
        InternalTypeInfo.of(row),
        Options.defaults(),
        rows,
        LayoutTest::matrix,
        "f0",
        "f1",
        "f2",
        "f3");
  }

  private static void matrix(DeviceBatch batch) {
    List<DeviceArray> floats = Stream.of(0, 2, 3).map(c -> batch.column(c).array()).toList();
    try (DeviceArray matrix = Matrix.columnMajor(floats)) {
      assertThat(matrix.shape()).as("shape").containsExactly(2, 3);
      assertThat(matrix.address()).as("address").isEqualTo(floats.get(0).address());
      assertThat(matrix.outcome().isZeroCopy()).as("zero copy").isTrue();
      long distance = matrix.strides()[1];
      for (int c = 0; c < 3; c++) {
        assertThat(Sum.at(floats.get(c), 1)).as("column").isEqualTo(4 + c);
        assertThat(matrix.address() + 4L * c * distance)
            .as("column %d", c)
            .isEqualTo(floats.get(c).address());
        assertThat(floats.get(c).alignment()).as("alignment").isGreaterThanOrEqualTo(64);
      }
    }
  }

  /** At a power of two all values of a row would fall into a few lines of the cache. */
  @ParameterizedTest
  @ValueSource(ints = {1, 512, 1000, 1024, 4096})
  void columnsAreAnOddNumberOfCacheLinesApart(int rows) throws Exception {
    RowType row = rowType(DataTypes.FLOAT(), DataTypes.FLOAT(), DataTypes.DOUBLE());
    Seen.of(
        InternalTypeInfo.of(row),
        Options.defaults(),
        Collections.nCopies(rows, GenericRowData.of(1f, 2f, 3.0)),
        batch -> {
          long second = batch.column("f1").array().address();
          long bytes = second - batch.column("f0").array().address();
          assertThat(bytes % 64).as("bytes over whole lines").isZero();
          assertThat(bytes / 64 % 2).as("lines").isOne();
          assertThat(bytes).as("room").isBetween(4L * rows, 4L * rows + 2 * 64);
        },
        "f0",
        "f1",
        "f2");
  }

  @Test
  void arraysOfOneSizeAreOneTensor() throws Exception {
    RowType row = rowType(DataTypes.ARRAY(DataTypes.FLOAT()));
    List<RowData> rows =
        List.of(
            GenericRowData.of(new GenericArrayData(new float[] {1, 2, 3})),
            new RowDataSerializer(row)
                .toBinaryRow(GenericRowData.of(new GenericArrayData(new float[] {4, 5, 6}))));
    Seen seen = Seen.of(InternalTypeInfo.of(row), Options.defaults(), rows, "f0");
    assertThat(seen.shape(0)).as("shape").containsExactly(2, 3);
    assertThat(seen.numbers(0)).as("values").containsExactly(1, 2, 3, 4, 5, 6);

    Kinds first = new Kinds();
    first.embedding = new float[] {1, 2};
    Kinds second = new Kinds();
    second.embedding = new float[] {3, 4};
    Seen objects =
        Seen.of(TypeInformation.of(Kinds.class), BYTES, List.of(first, second), "embedding");
    assertThat(objects.shape(0)).as("shape").containsExactly(2, 2);
    assertThat(objects.numbers(0)).as("values").containsExactly(1, 2, 3, 4);
  }

  @Test
  void arraysOfArraysHaveMoreDimensionsAndNullsBeforeThemAreFilled() throws Exception {
    TypeInformation<Row> type = Types.ROW(Types.OBJECT_ARRAY(Types.PRIMITIVE_ARRAY(Types.INT)));
    List<Row> rows =
        List.of(Row.of((Object) null), Row.of((Object) new int[][] {{1, 2, 3}, {4, 5, 6}}));
    Seen seen = Seen.of(type, BYTES.withNulls(Nulls.fill(9)), rows, "f0");
    assertThat(seen.shape(0)).as("shape").containsExactly(2, 2, 3);
    assertThat(seen.numbers(0)).as("values").containsExactly(9, 9, 9, 9, 9, 9, 1, 2, 3, 4, 5, 6);
  }

  @Test
  void arraysOfDifferentSizesAreRefusedWithTheRow() {
    RowType row = rowType(DataTypes.ARRAY(DataTypes.FLOAT()));
    List<RowData> rows =
        List.of(
            GenericRowData.of(new GenericArrayData(new float[2])),
            GenericRowData.of(new GenericArrayData(new float[3])));
    assertThatThrownBy(() -> Seen.of(InternalTypeInfo.of(row), Options.defaults(), rows, "f0"))
        .hasMessageContaining(
            "Cannot use field 'f0' as one tensor: row 1 of the batch has 3 elements, others have 2;"
                + " pad or cut the arrays to one size");
  }

  @Test
  void stringsAreBytesAndOffsets() throws Exception {
    RowType row = rowType(DataTypes.STRING(), DataTypes.BYTES());
    String longText = "x".repeat(100_000);
    List<RowData> rows =
        List.of(
            GenericRowData.of(StringData.fromString("zürich"), new byte[] {1, 2}),
            GenericRowData.of(null, null),
            GenericRowData.of(StringData.fromString(longText), new byte[0]));
    Seen seen = Seen.of(InternalTypeInfo.of(row), MASKED, rows, "f0", "f1");
    assertThat(seen.kinds()).as("kinds").containsExactly(ColumnKind.STRING, ColumnKind.BINARY);
    assertThat(seen.text(0)).as("text").isEqualTo("zürich" + longText);
    assertThat(seen.offsets(0)).as("offsets").containsExactly(0, 7, 7, 100_007);
    assertThat(seen.present(0)).as("present").containsExactly(true, false, true);
    assertThat(seen.offsets(1)).as("offsets").containsExactly(0, 2, 2, 2);
  }

  @Test
  void nullsFollowThePolicy() throws Exception {
    RowType row = rowType(DataTypes.FLOAT());
    TypeInformation<RowData> type = InternalTypeInfo.of(row);
    List<RowData> rows =
        List.of(GenericRowData.of(1f), GenericRowData.of((Object) null), GenericRowData.of(3f));
    assertThatThrownBy(() -> Seen.of(type, Options.defaults(), rows, "f0"))
        .hasCauseInstanceOf(NullsException.class)
        .hasMessageStartingWith("Cannot gather batch 0 of ")
        .hasMessageEndingWith(
            " attempt 0, first bad row 1 of this attempt, for Look(f0): Cannot hand out field 'f0'"
                + " with nulls: row 1 of the batch is the first; filter them out, or choose"
                + " Options.withNulls(...)");
    Seen filled = Seen.of(type, Options.defaults().withNulls(Nulls.fill(-1)), rows, "f0");
    assertThat(filled.numbers(0)).as("filled").containsExactly(1, -1, 3);
    assertThat(filled.present(0)).as("no mask").isEmpty();
    Seen masked = Seen.of(type, MASKED, rows, "f0");
    assertThat(masked.present(0)).as("mask").containsExactly(true, false, true);
    Seen assumed = Seen.of(type, BYTES.withNulls(Nulls.ASSUME_NONE), rows, "f0");
    assertThat(assumed.numbers(0)).as("a broken promise reads 0").containsExactly(1, 0, 3);
    Seen without = Seen.of(type, MASKED, rows.subList(0, 1), "f0");
    assertThat(without.present(0)).as("no mask without nulls").isEmpty();
  }

  @Test
  void nullsInsideArraysCanOnlyBeFilled() throws Exception {
    TypeInformation<Row> type = Types.ROW(Types.OBJECT_ARRAY(Types.FLOAT));
    List<Row> rows = List.of(Row.of((Object) new Float[] {1f, null}));
    assertThatThrownBy(() -> Seen.of(type, MASKED, rows, "f0"))
        .hasCauseInstanceOf(NullsException.class)
        .hasMessageContaining("with nulls inside arrays: row 0 of the batch is the first");
    Seen filled = Seen.of(type, BYTES.withNulls(Nulls.fill(4)), rows, "f0");
    assertThat(filled.numbers(0)).as("filled").containsExactly(1, 4);
  }

  @Test
  void whatAFieldReallyHoldsIsNamed() {
    TypeInformation<Row> type = Types.ROW(Types.FLOAT);
    assertThatThrownBy(() -> Seen.of(type, BYTES, List.of(Row.of("text")), "f0"))
        .hasMessageEndingWith("Invalid field 'f0': it holds a java.lang.String, its type is Float");
    RowType notNull = rowType(DataTypes.FLOAT().notNull());
    List<RowData> rows = List.of(GenericRowData.of((Object) null));
    assertThatThrownBy(() -> Seen.of(InternalTypeInfo.of(notNull), MASKED, rows, "f0"))
        .hasMessageContaining("or declare it nullable: it is FLOAT NOT NULL");
  }

  @Test
  void theFunctionMayWriteItsBatchAndTheNextOneIsClean() throws Exception {
    RowType row = rowType(DataTypes.FLOAT());
    List<RowData> rows = List.of(GenericRowData.of(1f), GenericRowData.of((Object) null));
    DeviceColumn[] lent = new DeviceColumn[1];
    Seen.of(
        InternalTypeInfo.of(row),
        MASKED,
        rows,
        batch -> {
          lent[0] = batch.column(0);
          assertThat(batch.column(0).values().isReadOnly()).as("read-only").isFalse();
        },
        "f0");
    assertThatThrownBy(() -> lent[0].values().address())
        .as("borrowed until the function returns")
        .isInstanceOf(IllegalStateException.class);
  }
}
