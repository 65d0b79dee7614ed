package io.arrowtensor.flink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.BatchSchema;
import io.arrowtensor.BatchSchema.Column;
import io.arrowtensor.ColumnKind;
import io.arrowtensor.DType;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.FileAccess;
import io.arrowtensor.Memory;
import io.arrowtensor.Nulls;
import io.arrowtensor.Options;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.internal.RawMemory;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.table.data.ArrayData;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.runtime.typeutils.InternalTypeInfo;
import org.apache.flink.table.types.logical.FloatType;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.types.Row;
import org.apache.flink.types.RowKind;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Results as rows: types, nulls, kinds, and what a function may not return. */
@ExtendWith(NothingHeld.class)
class ResultTest {
  private static final TypeInformation<Row> ROW = Types.ROW_NAMED(new String[] {"x"}, Types.FLOAT);

  /** Returns fixed columns, whatever it gets. */
  private static final class Fixed extends Sum {
    private static final long serialVersionUID = 1;
    private final BatchSchema promised;
    private final String kind;

    Fixed(String kind, Column... promised) {
      this.kind = kind;
      this.promised = BatchSchema.of(promised);
    }

    @Override
    public BatchSchema resultSchema(BatchSchema input, FileAccess files) {
      return promised;
    }

    @Override
    public OwnedBatch apply(DeviceBatch batch) {
      List<DeviceColumn> columns = new ArrayList<>();
      for (Column column : promised.columns()) {
        columns.add(ResultTest.column(kind, column, batch));
      }
      return OwnedBatch.of(columns.get(0).rowCount(), columns);
    }
  }

  private static DeviceColumn column(String kind, Column column, DeviceBatch batch) {
    long rows = batch.rowCount();
    return switch (kind) {
      case "ones" -> DeviceColumn.of(column.name(), bytes(column.dtype(), (byte) 0xff, rows));
      case "tensor" -> DeviceColumn.of(column.name(), counting(rows, 2, 3));
      case "text" ->
          DeviceColumn.of(
              column.name(),
              column.kind(),
              text(DType.UINT8, "abécd".getBytes(StandardCharsets.UTF_8)),
              ints(0, 2, 4, 6));
      case "list" -> DeviceColumn.of(column.name(), ColumnKind.LIST, counting(4), ints(0, 1, 1, 4));
      case "bad offsets" ->
          DeviceColumn.of(
              column.name(), column.kind(), text(DType.UINT8, new byte[4]), ints(0, 2, 4, 1 << 30));
      case "nulls" ->
          DeviceColumn.of(column.name(), counting(rows))
              .withValidity(text(DType.BOOL, new byte[] {1, 0, 1}));
      case "too few" -> DeviceColumn.of(column.name(), counting(1));
      case "the input" ->
          DeviceColumn.of(column.name(), DeviceArray.from(batch.column(0).values()));
      default -> throw new AssertionError(kind);
    };
  }

  private static DeviceArray make(DType dtype, Consumer<DeviceArray> fill, long... shape) {
    DeviceArray array = DeviceArray.from(Memory.allocate(dtype, shape), Options.defaults());
    fill.accept(array);
    return array;
  }

  private static DeviceArray bytes(DType dtype, byte value, long rows) {
    return make(dtype, a -> RawMemory.fill(a.address(), a.nbytes(), value), rows);
  }

  private static DeviceArray text(DType dtype, byte[] bytes) {
    return make(dtype, a -> RawMemory.copyFrom(bytes, 0, a.address(), bytes.length), bytes.length);
  }

  private static DeviceArray ints(int... values) {
    return make(
        DType.INT32,
        a -> {
          for (int i = 0; i < values.length; i++) {
            RawMemory.putInt(a.address() + 4L * i, values[i]);
          }
        },
        values.length);
  }

  private static DeviceArray counting(long... shape) {
    return make(
        DType.FLOAT32,
        a -> {
          for (int i = 0; i < a.size(); i++) {
            RawMemory.putFloat(a.address() + 4L * i, i);
          }
        },
        shape);
  }

  /** The results of three rows. */
  private static List<RowData> results(Options options, Sum function) throws Exception {
    try (Harness<Row, RowData> harness =
        Harness.open(
            ROW, stream -> stream.columns("x").options(options).maxRows(3).map(function))) {
      harness.send(Row.of(0.5f), 0).send(Row.of((Object) null), 0).send(Row.of(2.5f), 0);
      return harness.values();
    }
  }

  private static List<RowData> results(String kind, Column... promised) throws Exception {
    return results(Options.defaults().withNulls(Nulls.fill(1)), new Fixed(kind, promised));
  }

  @Test
  void everyNumberComesAsFlinkHasItAndUnsignedOnesAsTheNextWider() throws Exception {
    RowData row =
        results(
                "ones",
                Column.scalar("b", DType.BOOL),
                Column.scalar("i8", DType.INT8),
                Column.scalar("i16", DType.INT16),
                Column.scalar("i32", DType.INT32),
                Column.scalar("i64", DType.INT64),
                Column.scalar("u8", DType.UINT8),
                Column.scalar("u16", DType.UINT16),
                Column.scalar("u32", DType.UINT32))
            .get(2);
    assertThat(row.toString())
        .as("as copied by Flink")
        .isEqualTo("+I(true,-1,-1,-1,-1,255,65535,4294967295)");
  }

  @Test
  void tensorsAndListsAreArrays() throws Exception {
    RowData row = results("tensor", Column.tensor("t", DType.FLOAT32, 2L, 3L)).get(1);
    ArrayData outer = row.getArray(0);
    assertThat(outer.size()).as("rows of the matrix").isEqualTo(2);
    assertThat(outer.getArray(0).toFloatArray()).as("first").containsExactly(6, 7, 8);
    assertThat(outer.getArray(1).toFloatArray()).as("second").containsExactly(9, 10, 11);

    Column list = new Column("l", ColumnKind.LIST, DType.FLOAT32, List.of(), false);
    List<RowData> lists = results("list", list);
    assertThat(lists.get(1).getArray(0).size()).as("empty list").isZero();
    assertThat(lists.get(2).getArray(0).toFloatArray()).as("list").containsExactly(1, 2, 3);
  }

  @Test
  void textIsText() throws Exception {
    List<RowData> rows = results("text", Column.string("s"));
    assertThat(rows)
        .extracting(row -> row.getString(0).toString())
        .containsExactly("ab", "é", "cd");
  }

  @Test
  void nullsOfTheResultAndOfTheArgumentsAreNull() throws Exception {
    Column promised = Column.scalar("y", DType.FLOAT32).withNullable(true);
    assertThat(results("nulls", promised))
        .extracting(row -> row.isNullAt(0))
        .containsExactly(false, true, false);
    assertThat(results(Options.defaults().withNulls(Nulls.PROPAGATE), new Sum()))
        .as("null in, null out")
        .extracting(RowData::toString)
        .containsExactly("+I(0.5)", "+I(null)", "+I(2.5)");
  }

  @Test
  void theBatchItselfMayBeReturned() throws Exception {
    assertThat(results("the input", Column.scalar("x", DType.FLOAT32)))
        .extracting(row -> row.getFloat(0))
        .containsExactly(0.5f, 1f, 2.5f);
  }

  @Test
  void kindsAndTimestampsStayWithTheirRows() throws Exception {
    RowType type = RowType.of(new FloatType());
    try (Harness<RowData, RowData> harness =
        Harness.open(
            InternalTypeInfo.of(type), stream -> stream.columns("f0").maxRows(4).map(new Sum()))) {
      int timestamp = 10;
      for (RowKind kind : RowKind.values()) {
        GenericRowData row = GenericRowData.of((float) timestamp);
        row.setRowKind(kind);
        harness.send(row, timestamp++);
      }
      assertThat(harness.emitted())
          .extracting(
              e -> ((StreamRecord<?>) e).getTimestamp() + " " + ((StreamRecord<?>) e).getValue())
          .containsExactly("10 +I(10.0)", "11 -U(11.0)", "12 +U(12.0)", "13 -D(13.0)");
    }
  }

  @Test
  void recordsWithoutTimestampStayWithout() throws Exception {
    try (Harness<Row, RowData> harness =
        Harness.open(ROW, stream -> stream.columns("x").maxRows(2).map(new Sum()))) {
      harness.flink().processElement(new StreamRecord<>(Row.of(1f), 5));
      harness.flink().processElement(new StreamRecord<>(Row.of(1f)));
      assertThat(harness.emitted())
          .extracting(element -> ((StreamRecord<?>) element).hasTimestamp())
          .containsExactly(true, false);
    }
  }

  @Test
  void aResultThatWasNotPromisedIsRefused() {
    Column scalar = Column.scalar("y", DType.FLOAT32);
    assertThatThrownBy(() -> results("too few", scalar))
        .hasMessageStartingWith("Cannot score batch 0 of ")
        .hasMessageContaining(", rows 0 to 2 of this attempt, with Fixed(x): Invalid result column")
        .hasMessageContaining(
            "'y': 1 rows for a batch of 3; return one row for each row of the batch");
    assertThatThrownBy(() -> results("tensor", scalar))
        .hasMessageContaining("is not the y: float32 that resultSchema promised");
    assertThatThrownBy(() -> results("ones", Column.tensor("y", DType.FLOAT32, 2L)))
        .hasMessageContaining("is not the y: float32[2] that resultSchema promised");
    assertThatThrownBy(() -> results("bad offsets", Column.string("y")))
        .hasMessageContaining(
            "Invalid offset 1073741824 of result column 'y' at row 3: expected 4 to 4");
  }

  @Test
  void aRowIsReadByItsOwnTypesOnly() {
    ResultRow row = new ResultRow(BatchSchema.of(Column.scalar("y", DType.FLOAT32)));
    try (row;
        OwnedBatch results = OwnedBatch.of(DeviceColumn.of("y", counting(2)))) {
      row.load(results, 2, new boolean[0]);
      row.at(1, RowKind.INSERT);
      assertThat(row.getFloat(0)).as("its type").isEqualTo(1);
      assertThatThrownBy(() -> row.getDouble(0))
          .isInstanceOf(ClassCastException.class)
          .hasMessage("Cannot read float64 from result column y: float32: ask for its own type");
      assertThatThrownBy(() -> row.getString(0)).hasMessageContaining("Cannot read bytes");
      assertThatThrownBy(() -> row.getArray(0)).hasMessageContaining("Cannot read an array");
      assertThatThrownBy(() -> row.getDecimal(0, 1, 1)).hasMessageContaining("DECIMAL");
      assertThatThrownBy(() -> row.getTimestamp(0, 3)).hasMessageContaining("TIMESTAMP");
    }
  }
}
