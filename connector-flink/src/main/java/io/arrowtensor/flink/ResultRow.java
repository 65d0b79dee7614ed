package io.arrowtensor.flink;

import io.arrowtensor.BatchSchema;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.internal.RawMemory;
import java.util.Arrays;
import org.apache.flink.table.data.ArrayData;
import org.apache.flink.table.data.DecimalData;
import org.apache.flink.table.data.MapData;
import org.apache.flink.table.data.RawValueData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.types.RowKind;
import org.apache.flink.types.variant.Variant;
import org.jspecify.annotations.Nullable;

/**
 * One row of a result, read where the function left it: one object for all rows, moved from row to
 * row. Where object reuse is off Flink copies it between operators; where it is on, who keeps it
 * longer than the call that got it must copy it, as with every row that Flink reuses. One thread.
 */
final class ResultRow implements RowData, Results {
  private final BatchSchema promised;
  private final ResultColumn[] columns;
  private @Nullable OwnedBatch results;
  private boolean[] nullRows = new boolean[0];
  private RowKind kind = RowKind.INSERT;
  private int row;

  ResultRow(BatchSchema promised) {
    this.promised = promised;
    this.columns = promised.columns().stream().map(ResultColumn::new).toArray(ResultColumn[]::new);
  }

  @Override
  public void load(OwnedBatch results, DeviceBatch lent, BatchInput<?> input, boolean[] nullRows) {
    load(results, input.rows(), nullRows);
  }

  /** Reads {@code rows} rows of {@code results} from now on. */
  void load(OwnedBatch results, long rows, boolean[] nullRows) {
    Promise.requireCount(promised, results);
    for (int i = 0; i < columns.length; i++) {
      columns[i].load(results.column(i), rows);
    }
    this.nullRows = nullRows;
    this.results = results;
  }

  /** Closes the results. */
  @Override
  public void close() {
    OwnedBatch read = results;
    results = null;
    if (read != null) {
      read.close();
    }
  }

  /** Moves to {@code row}. A reference is stored when it changes only: a store has a barrier. */
  void at(int row, RowKind kind) {
    this.row = row;
    if (this.kind != kind) {
      this.kind = kind;
    }
  }

  @Override
  public int getArity() {
    return columns.length;
  }

  @Override
  public RowKind getRowKind() {
    return kind;
  }

  @Override
  public void setRowKind(RowKind kind) {
    this.kind = kind;
  }

  @Override
  public boolean isNullAt(int pos) {
    return (row < nullRows.length && nullRows[row]) || columns[pos].isNull(row);
  }

  @Override
  public boolean getBoolean(int pos) {
    return RawMemory.byteAt(columns[pos].at(row, Cell.BOOL)) != 0;
  }

  @Override
  public byte getByte(int pos) {
    return RawMemory.byteAt(columns[pos].at(row, Cell.INT8));
  }

  @Override
  public short getShort(int pos) {
    long at = columns[pos].at(row, Cell.INT16);
    return columns[pos].isUnsigned()
        ? (short) (RawMemory.byteAt(at) & 0xff)
        : RawMemory.shortAt(at);
  }

  @Override
  public int getInt(int pos) {
    long at = columns[pos].at(row, Cell.INT32);
    return columns[pos].isUnsigned() ? RawMemory.shortAt(at) & 0xffff : RawMemory.intAt(at);
  }

  @Override
  public long getLong(int pos) {
    long at = columns[pos].at(row, Cell.INT64);
    return columns[pos].isUnsigned() ? RawMemory.intAt(at) & 0xffffffffL : RawMemory.longAt(at);
  }

  @Override
  public float getFloat(int pos) {
    return RawMemory.floatAt(columns[pos].at(row, Cell.FLOAT32));
  }

  @Override
  public double getDouble(int pos) {
    return RawMemory.doubleAt(columns[pos].at(row, Cell.FLOAT64));
  }

  @Override
  public StringData getString(int pos) {
    return StringData.fromBytes(columns[pos].bytes(row));
  }

  @Override
  public byte[] getBinary(int pos) {
    return columns[pos].bytes(row);
  }

  @Override
  public ArrayData getArray(int pos) {
    return columns[pos].array(row);
  }

  @Override
  public DecimalData getDecimal(int pos, int precision, int scale) {
    throw noSuchType(pos, "DECIMAL");
  }

  @Override
  public TimestampData getTimestamp(int pos, int precision) {
    throw noSuchType(pos, "TIMESTAMP");
  }

  @Override
  public <T> RawValueData<T> getRawValue(int pos) {
    throw noSuchType(pos, "RAW");
  }

  @Override
  public MapData getMap(int pos) {
    throw noSuchType(pos, "MAP");
  }

  @Override
  public RowData getRow(int pos, int fields) {
    throw noSuchType(pos, "ROW");
  }

  @Override
  public Variant getVariant(int pos) {
    throw noSuchType(pos, "VARIANT");
  }

  private ClassCastException noSuchType(int pos, String type) {
    return new ClassCastException(
        "Cannot read " + type + " from result column " + promised.columns().get(pos));
  }

  /** For messages: what the row is of, not what it holds. */
  @Override
  public String toString() {
    return kind.shortString()
        + "row "
        + row
        + " of "
        + Arrays.toString(promised.columns().toArray());
  }
}
