package io.arrowtensor.flink;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Objects;
import org.apache.flink.core.memory.MemorySegment;
import org.apache.flink.core.memory.MemorySegmentFactory;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.binary.BinaryRowData;
import org.apache.flink.table.data.binary.NestedRowData;
import org.apache.flink.table.data.columnar.ColumnarRowData;
import org.apache.flink.table.data.columnar.vector.BooleanColumnVector;
import org.apache.flink.table.data.columnar.vector.ByteColumnVector;
import org.apache.flink.table.data.columnar.vector.ColumnVector;
import org.apache.flink.table.data.columnar.vector.DoubleColumnVector;
import org.apache.flink.table.data.columnar.vector.FloatColumnVector;
import org.apache.flink.table.data.columnar.vector.IntColumnVector;
import org.apache.flink.table.data.columnar.vector.LongColumnVector;
import org.apache.flink.table.data.columnar.vector.ShortColumnVector;
import org.apache.flink.table.data.columnar.vector.VectorizedColumnBatch;
import org.apache.flink.table.data.utils.JoinedRowData;
import org.apache.flink.table.runtime.typeutils.RowDataSerializer;
import org.apache.flink.table.types.logical.RowType;
import org.jspecify.annotations.Nullable;

/** The forms in which Flink hands over a row. */
enum RowForm {
  /** Objects. */
  GENERIC,
  /** Bytes in an array of their own, as networks and writers make them. */
  BINARY,
  /** Bytes in direct memory, as managed memory has them. */
  OFF_HEAP,
  /** Bytes behind others in one array, as pages of sorted rows have them. */
  WITHIN_A_PAGE,
  /** Bytes whose part of variable length lies in other segments. */
  SEGMENTS,
  /** A field of another row. */
  NESTED,
  /** Two rows that pose as one. */
  JOINED,
  /** A row of a batch of columns, as readers of files hand over. */
  COLUMNAR;

  private static final int OTHERS = 40;

  /** {@code row} in this form. */
  RowData of(RowType type, GenericRowData row) {
    if (this == GENERIC) {
      return row;
    }
    BinaryRowData binary = new RowDataSerializer(type).toBinaryRow(row).copy();
    int arity = row.getArity();
    int size = binary.getSizeInBytes();
    byte[] bytes = binary.getSegments()[0].getArray();
    switch (this) {
      case OFF_HEAP -> {
        ByteBuffer direct = ByteBuffer.allocateDirect(size).put(0, bytes, 0, size);
        binary.pointTo(MemorySegmentFactory.wrapOffHeapMemory(direct), 0, size);
      }
      case WITHIN_A_PAGE -> {
        byte[] page = new byte[OTHERS + size + OTHERS];
        Arrays.fill(page, (byte) -1);
        ByteBuffer.wrap(page).put(OTHERS, bytes, 0, size);
        binary.pointTo(MemorySegmentFactory.wrap(page), OTHERS, size);
      }
      case SEGMENTS -> binary.pointTo(segments(bytes, binary.getFixedLengthPartSize()), 0, size);
      case NESTED -> {
        NestedRowData nested = new NestedRowData(arity);
        nested.pointTo(binary.getSegments(), 0, size);
        return nested;
      }
      case JOINED -> {
        return joined(row);
      }
      case COLUMNAR -> {
        ColumnVector[] columns = new ColumnVector[arity];
        Arrays.setAll(columns, c -> new OneValue(row.getField(c)));
        return new ColumnarRowData(new VectorizedColumnBatch(columns));
      }
      default -> {}
    }
    return binary;
  }

  private static MemorySegment[] segments(byte[] bytes, int size) {
    MemorySegment[] segments = new MemorySegment[(bytes.length + size - 1) / size];
    Arrays.setAll(
        segments,
        s -> MemorySegmentFactory.wrap(Arrays.copyOfRange(bytes, s * size, (s + 1) * size)));
    return segments;
  }

  private static RowData joined(GenericRowData row) {
    int half = row.getArity() / 2;
    GenericRowData left = new GenericRowData(half);
    GenericRowData right = new GenericRowData(row.getArity() - half);
    for (int c = 0; c < row.getArity(); c++) {
      if (c < half) {
        left.setField(c, row.getField(c));
      } else {
        right.setField(c - half, row.getField(c));
      }
    }
    return new JoinedRowData(row.getRowKind(), left, right);
  }

  /** A column of one row. */
  private record OneValue(@Nullable Object value)
      implements BooleanColumnVector,
          ByteColumnVector,
          ShortColumnVector,
          IntColumnVector,
          LongColumnVector,
          FloatColumnVector,
          DoubleColumnVector {
    @Override
    public boolean isNullAt(int i) {
      return value == null;
    }

    private Object present() {
      return Objects.requireNonNull(value);
    }

    @Override
    public boolean getBoolean(int i) {
      return (boolean) present();
    }

    @Override
    public byte getByte(int i) {
      return (byte) present();
    }

    @Override
    public short getShort(int i) {
      return (short) present();
    }

    @Override
    public int getInt(int i) {
      return (int) present();
    }

    @Override
    public long getLong(int i) {
      return (long) present();
    }

    @Override
    public float getFloat(int i) {
      return (float) present();
    }

    @Override
    public double getDouble(int i) {
      return (double) present();
    }
  }
}
