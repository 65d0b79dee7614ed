package io.arrowtensor.testing;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Random;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.BaseFixedWidthVector;
import org.apache.arrow.vector.BitVectorHelper;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.complex.FixedSizeListVector;
import org.apache.arrow.vector.types.TimeUnit;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.Field;

/** Vectors with seeded random values, and what {@code getObject} says about them as bits. */
public final class Columns {
  private Columns() {}

  /** Whether a row, and whether an element inside a row, is null. */
  public enum NullsAt {
    NOWHERE,
    ROWS,
    INSIDE,
    BOTH
  }

  /** A vector of {@code field}; null slots hold garbage. */
  public static FieldVector random(
      Field field, int rows, NullsAt nulls, long seed, BufferAllocator allocator) {
    FieldVector vector = field.createVector(allocator);
    vector.setInitialCapacity(rows);
    vector.allocateNew();
    fill(vector, rows, nulls, true, new Random(seed));
    return vector;
  }

  private static void fill(
      FieldVector vector, int rows, NullsAt nulls, boolean outermost, Random random) {
    boolean withNulls =
        nulls == NullsAt.BOTH || nulls == (outermost ? NullsAt.ROWS : NullsAt.INSIDE);
    if (vector instanceof FixedSizeListVector list) {
      int size = ((ArrowType.FixedSizeList) list.getField().getType()).getListSize();
      fill(list.getDataVector(), rows * size, nulls, false, random);
    } else {
      BaseFixedWidthVector elements = (BaseFixedWidthVector) vector;
      while (elements.getValueCapacity() < rows) {
        elements.reAlloc();
      }
      values(elements, rows, random);
    }
    for (int i = 0; i < rows; i++) {
      // The last value is null for sure, so that short vectors have one too.
      int valid = withNulls && (i == rows - 1 || random.nextInt(5) == 0) ? 0 : 1;
      BitVectorHelper.setValidityBit(vector.getValidityBuffer(), i, valid);
    }
    vector.setValueCount(rows);
  }

  private static void values(BaseFixedWidthVector vector, int rows, Random random) {
    ArrowType type = vector.getField().getType();
    for (int i = 0; i < rows; i++) {
      if (type instanceof ArrowType.Bool) {
        BitVectorHelper.setValidityBit(vector.getDataBuffer(), i, random.nextInt(2));
      } else {
        value(vector, i, type, random);
      }
    }
  }

  private static void value(BaseFixedWidthVector vector, int i, ArrowType type, Random random) {
    int width = vector.getTypeWidth();
    ByteBuffer bytes =
        ByteBuffer.allocate(Math.max(8, width)).order(java.nio.ByteOrder.nativeOrder());
    if (type instanceof ArrowType.Int || type instanceof ArrowType.FixedSizeBinary) {
      random.nextBytes(bytes.array());
    } else if (type instanceof ArrowType.FloatingPoint && width == 4) {
      bytes.putFloat(0, (float) random.nextGaussian());
    } else if (type instanceof ArrowType.FloatingPoint && width == 8) {
      bytes.putDouble(0, random.nextGaussian());
    } else {
      bytes.putLong(0, random.nextInt(30_000)); // halves, and times within a day of any unit
    }
    vector.getDataBuffer().setBytes((long) i * width, bytes.array(), 0, width);
  }

  /** Rows {@code [start, start + length)}, by Arrow's own means. The caller closes it. */
  public static FieldVector slice(
      FieldVector vector, int start, int length, BufferAllocator allocator) {
    // Into a vector of the same field: a transfer pair of Arrow's own making may lose its metadata.
    FieldVector slice = vector.getField().createVector(allocator);
    vector.makeTransferPair(slice).splitAndTransfer(start, length);
    return slice;
  }

  /** The bytes of one element as Arrow reads it, in native order; null for a null. */
  public static byte[] bytesOf(Object value, ArrowType type, int width) {
    if (value == null || value instanceof byte[]) {
      return (byte[]) value;
    }
    ByteBuffer bytes = ByteBuffer.allocate(8).order(java.nio.ByteOrder.nativeOrder());
    bytes.putLong(0, bits(value, type));
    return java.util.Arrays.copyOf(bytes.array(), width);
  }

  private static long bits(Object value, ArrowType type) {
    if (value instanceof Boolean bit) {
      return bit ? 1 : 0;
    } else if (value instanceof Character unsigned) {
      return unsigned;
    } else if (value instanceof Float number) {
      return Float.floatToRawIntBits(number);
    } else if (value instanceof Double number) {
      return Double.doubleToRawLongBits(number);
    } else if (value instanceof LocalDateTime time) {
      Instant at = time.toInstant(ZoneOffset.UTC);
      return count(at.getEpochSecond(), at.getNano(), unit(type));
    } else if (value instanceof Duration duration) {
      return count(duration.getSeconds(), duration.getNano(), unit(type));
    }
    return ((Number) value).longValue();
  }

  private static TimeUnit unit(ArrowType type) {
    if (type instanceof ArrowType.Timestamp timestamp) {
      return timestamp.getUnit();
    }
    return type instanceof ArrowType.Duration duration ? duration.getUnit() : TimeUnit.MILLISECOND;
  }

  private static long count(long seconds, int nanos, TimeUnit unit) {
    return switch (unit) {
      case SECOND -> seconds;
      case MILLISECOND -> seconds * 1_000 + nanos / 1_000_000;
      case MICROSECOND -> seconds * 1_000_000 + nanos / 1_000;
      case NANOSECOND -> seconds * 1_000_000_000 + nanos;
    };
  }

  /** The innermost element of nested lists at {@code index}, the row first; null for a null. */
  public static Object element(FieldVector vector, long... index) {
    Object value = vector.getObject((int) index[0]);
    for (int d = 1; d < index.length && value != null; d++) {
      value = ((List<?>) value).get((int) index[d]);
    }
    return value;
  }
}
