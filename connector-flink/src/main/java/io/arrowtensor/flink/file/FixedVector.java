package io.arrowtensor.flink.file;

import io.arrowtensor.BatchSchema.Column;
import io.arrowtensor.DType;
import io.arrowtensor.internal.RawMemory;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Objects;
import org.apache.flink.table.data.columnar.vector.Dictionary;
import org.apache.flink.table.data.columnar.vector.writable.WritableDoubleVector;
import org.apache.flink.table.data.columnar.vector.writable.WritableFloatVector;
import org.apache.flink.table.data.columnar.vector.writable.WritableIntVector;
import org.apache.flink.table.data.columnar.vector.writable.WritableLongVector;

/**
 * Numbers. The file has them in 4 or 8 bytes, little-endian; integers of 8 and 16 bits in 4, which
 * become as narrow as they are declared.
 */
final class FixedVector extends ParquetVector
    implements WritableIntVector, WritableLongVector, WritableFloatVector, WritableDoubleVector {
  private static final VarHandle FLOATS = handle(float[].class);
  private static final VarHandle DOUBLES = handle(double[].class);
  private static final VarHandle LONGS = handle(long[].class);
  private static final VarHandle INTS = handle(int[].class);

  /** Values that are gathered at once: few enough to stay in the first cache. */
  private static final int GATHERED = 1024;

  private final int width;
  private final byte[] gathered = new byte[GATHERED * Long.BYTES];

  private static VarHandle handle(Class<?> arrays) {
    return MethodHandles.byteArrayViewVarHandle(arrays, ByteOrder.nativeOrder());
  }

  FixedVector(Column column, int rows) {
    super(column, rows);
    this.width = column.dtype().itemSize();
  }

  @Override
  int width() {
    return width;
  }

  /** Gathers on the heap, where a value is stored without more ado, and copies many at once. */
  @Override
  void decode(int rows, int[] indices, Dictionary words) {
    for (int start = 0; start < rows; start += GATHERED) {
      int count = Math.min(GATHERED, rows - start);
      if (width < Integer.BYTES) {
        narrow(start, count, indices, words);
      } else {
        Arrays.fill(gathered, 0, count * width, (byte) 0); // nulls are not gathered
        gather(start, count, indices, words);
        RawMemory.copyFrom(gathered, 0, at(start), count * width);
      }
    }
  }

  /** One loop for each type, so that the lookup is not chosen for each value. */
  private void gather(int start, int count, int[] indices, Dictionary words) {
    DType type = column.dtype();
    if (type.equals(DType.FLOAT32)) {
      for (int i = 0; i < count; i++) {
        if (isPresent(start + i)) {
          FLOATS.set(gathered, i * Float.BYTES, words.decodeToFloat(indices[start + i]));
        }
      }
    } else if (type.equals(DType.FLOAT64)) {
      for (int i = 0; i < count; i++) {
        if (isPresent(start + i)) {
          DOUBLES.set(gathered, i * Double.BYTES, words.decodeToDouble(indices[start + i]));
        }
      }
    } else if (width == Long.BYTES) {
      for (int i = 0; i < count; i++) {
        if (isPresent(start + i)) {
          LONGS.set(gathered, i * Long.BYTES, words.decodeToLong(indices[start + i]));
        }
      }
    } else {
      for (int i = 0; i < count; i++) {
        if (isPresent(start + i)) {
          INTS.set(gathered, i * Integer.BYTES, words.decodeToInt(indices[start + i]));
        }
      }
    }
  }

  private void narrow(int start, int count, int[] indices, Dictionary words) {
    for (int row = start; row < start + count; row++) {
      if (isPresent(row)) {
        put(row, words.decodeToInt(indices[row]));
      }
    }
  }

  private void put(int row, int value) {
    switch (width) {
      case 1 -> RawMemory.putByte(at(row), (byte) value);
      case 2 -> RawMemory.putShort(at(row), (short) value);
      default -> RawMemory.putInt(at(row), value);
    }
  }

  private void copy(int row, int rows, byte[] from, int start, int bytes) {
    requireRows(row, rows);
    int length = Math.multiplyExact(rows, bytes);
    Objects.checkFromIndexSize(start, length, from.length);
    RawMemory.copyFrom(from, start, at(row), length);
  }

  @Override
  public void setInt(int row, int value) {
    requireRow(row);
    put(row, value);
  }

  @Override
  public void setIntsFromBinary(int row, int rows, byte[] from, int start) {
    if (width == Integer.BYTES) {
      copy(row, rows, from, start, Integer.BYTES);
      return;
    }
    requireRows(row, rows);
    for (int i = 0; i < rows; i++) { // little-endian: the low bytes come first
      int at = start + i * Integer.BYTES;
      put(row + i, (from[at] & 0xff) | from[at + 1] << 8);
    }
  }

  @Override
  public void setInts(int row, int rows, int value) {
    for (int i = 0; i < rows; i++) {
      setInt(row + i, value);
    }
  }

  @Override
  public void setInts(int row, int rows, int[] from, int start) {
    for (int i = 0; i < rows; i++) {
      setInt(row + i, from[start + i]);
    }
  }

  @Override
  public void setLong(int row, long value) {
    requireRow(row);
    RawMemory.putLong(at(row), value);
  }

  @Override
  public void setLongsFromBinary(int row, int rows, byte[] from, int start) {
    copy(row, rows, from, start, Long.BYTES);
  }

  @Override
  public void setFloat(int row, float value) {
    requireRow(row);
    RawMemory.putFloat(at(row), value);
  }

  @Override
  public void setFloatsFromBinary(int row, int rows, byte[] from, int start) {
    copy(row, rows, from, start, Float.BYTES);
  }

  @Override
  public void setDouble(int row, double value) {
    requireRow(row);
    RawMemory.putDouble(at(row), value);
  }

  @Override
  public void setDoublesFromBinary(int row, int rows, byte[] from, int start) {
    copy(row, rows, from, start, Double.BYTES);
  }

  @Override
  public int getInt(int row) {
    throw unread();
  }

  @Override
  public long getLong(int row) {
    throw unread();
  }

  @Override
  public float getFloat(int row) {
    throw unread();
  }

  @Override
  public double getDouble(int row) {
    throw unread();
  }

  @Override
  public void fill(int value) {
    throw unread();
  }

  @Override
  public void fill(long value) {
    throw unread();
  }

  @Override
  public void fill(float value) {
    throw unread();
  }

  @Override
  public void fill(double value) {
    throw unread();
  }
}
