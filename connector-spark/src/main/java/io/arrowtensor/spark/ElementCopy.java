package io.arrowtensor.spark;

import io.arrowtensor.DType;
import io.arrowtensor.internal.Native;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.nio.ShortBuffer;
import org.apache.spark.sql.execution.vectorized.WritableColumnVector;
import org.apache.spark.sql.vectorized.ColumnVector;

/**
 * Writes values that have no address: on-heap, constant, dictionary-encoded, or behind getters.
 * Null slots are never looked up, as what they hold may not even be a dictionary index; a fill
 * value is written there. Works through Java arrays of one chunk, which stay in the cache.
 */
final class ElementCopy {
  private static final int CHUNK = 4096;

  private final ColumnVector vector;
  private final boolean nulls;
  private final boolean bulk;

  private ElementCopy(ColumnVector vector) {
    this.vector = vector;
    this.nulls = vector.hasNull();
    boolean spareNulls = vector instanceof WritableColumnVector writable && !writable.isAllNull();
    this.bulk = spareNulls || !nulls;
  }

  /** Writes {@code count} values from {@code first} on, {@code fill} where they are null. */
  static void write(
      ColumnVector vector, int first, int count, DType dtype, long target, double fill) {
    ElementCopy copy = new ElementCopy(vector);
    int width = dtype.itemSize();
    for (int done = 0; done < count; done += CHUNK) {
      int size = Math.min(CHUNK, count - done);
      ByteBuffer out =
          Native.byteBuffer(target + (long) done * width, (long) size * width)
              .order(ByteOrder.nativeOrder());
      copy.chunk(first + done, size, dtype, out, fill);
    }
  }

  private void chunk(int first, int count, DType dtype, ByteBuffer out, double fill) {
    if (dtype.equals(DType.BOOL)) {
      booleans(first, count, out, (byte) (fill != 0 ? 1 : 0));
    } else if (dtype.equals(DType.FLOAT32)) {
      floats(first, count, out.asFloatBuffer(), (float) fill);
    } else if (dtype.equals(DType.FLOAT64)) {
      doubles(first, count, out.asDoubleBuffer(), fill);
    } else if (dtype.equals(DType.INT64)) {
      longs(first, count, out.asLongBuffer(), (long) fill);
    } else if (dtype.equals(DType.INT32)) {
      ints(first, count, out.asIntBuffer(), (int) fill);
    } else if (dtype.equals(DType.INT16)) {
      shorts(first, count, out.asShortBuffer(), (short) (long) fill);
    } else {
      bytes(first, count, out, (byte) (long) fill);
    }
  }

  private boolean isNull(int row) {
    return nulls && vector.isNullAt(row);
  }

  private void booleans(int first, int count, ByteBuffer out, byte fill) {
    for (int i = 0; i < count; i++) {
      byte value = isNull(first + i) ? fill : (byte) (vector.getBoolean(first + i) ? 1 : 0);
      out.put(i, value);
    }
  }

  private void bytes(int first, int count, ByteBuffer out, byte fill) {
    if (bulk) {
      out.put(0, vector.getBytes(first, count));
    }
    for (int i = 0; i < count && (nulls || !bulk); i++) {
      if (isNull(first + i)) {
        out.put(i, fill);
      } else if (!bulk) {
        out.put(i, vector.getByte(first + i));
      }
    }
  }

  private void shorts(int first, int count, ShortBuffer out, short fill) {
    if (bulk) {
      out.put(0, vector.getShorts(first, count));
    }
    for (int i = 0; i < count && (nulls || !bulk); i++) {
      if (isNull(first + i)) {
        out.put(i, fill);
      } else if (!bulk) {
        out.put(i, vector.getShort(first + i));
      }
    }
  }

  private void ints(int first, int count, IntBuffer out, int fill) {
    if (bulk) {
      out.put(0, vector.getInts(first, count));
    }
    for (int i = 0; i < count && (nulls || !bulk); i++) {
      if (isNull(first + i)) {
        out.put(i, fill);
      } else if (!bulk) {
        out.put(i, vector.getInt(first + i));
      }
    }
  }

  private void longs(int first, int count, LongBuffer out, long fill) {
    if (bulk) {
      out.put(0, vector.getLongs(first, count));
    }
    for (int i = 0; i < count && (nulls || !bulk); i++) {
      if (isNull(first + i)) {
        out.put(i, fill);
      } else if (!bulk) {
        out.put(i, vector.getLong(first + i));
      }
    }
  }

  private void floats(int first, int count, FloatBuffer out, float fill) {
    if (bulk) {
      out.put(0, vector.getFloats(first, count));
    }
    for (int i = 0; i < count && (nulls || !bulk); i++) {
      if (isNull(first + i)) {
        out.put(i, fill);
      } else if (!bulk) {
        out.put(i, vector.getFloat(first + i));
      }
    }
  }

  private void doubles(int first, int count, DoubleBuffer out, double fill) {
    if (bulk) {
      out.put(0, vector.getDoubles(first, count));
    }
    for (int i = 0; i < count && (nulls || !bulk); i++) {
      if (isNull(first + i)) {
        out.put(i, fill);
      } else if (!bulk) {
        out.put(i, vector.getDouble(first + i));
      }
    }
  }
}
