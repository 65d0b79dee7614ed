package io.arrowtensor.flink;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.nio.ShortBuffer;
import java.util.stream.IntStream;
import org.apache.flink.table.data.binary.BinaryRowData;

/**
 * The part of Flink's binary rows that has one size: bits that tell which fields are null, then a
 * slot of 8 bytes for each field. A value of fixed width starts its slot, in native order.
 */
final class BinarySlots {
  static final int BYTES = 8;

  private static final VarHandle SHORTS = view(short[].class);
  private static final VarHandle INTS = view(int[].class);
  private static final VarHandle LONGS = view(long[].class);

  private BinarySlots() {}

  private static VarHandle view(Class<?> array) {
    return MethodHandles.byteArrayViewVarHandle(array, ByteOrder.nativeOrder());
  }

  /** Whether a field's slot holds what its column does. A timestamp's has other units. */
  static boolean hold(FieldType type) {
    return type.dimensions() == 0
        && switch (type.requireCell()) {
          case BOOL, INT8, INT16, INT32, INT64, FLOAT32, FLOAT64, DATE, TIME -> true;
          case TIMESTAMP, STRING, BINARY -> false;
        };
  }

  /** Where the slot of field {@code position} begins in a row of {@code arity} fields. */
  static int start(int arity, int position) {
    return BinaryRowData.calculateBitSetWidthInBytes(arity) + position * BYTES;
  }

  /** The words at the start of a row in which the bits are set that tell {@code positions} null. */
  static long[] nullBits(int arity, IntStream positions) {
    byte[] bits = new byte[BinaryRowData.calculateBitSetWidthInBytes(arity)];
    positions
        .map(position -> position + BinaryRowData.HEADER_SIZE_IN_BITS)
        .forEach(bit -> bits[bit / Byte.SIZE] |= (byte) (1 << bit % Byte.SIZE));
    long[] words = new long[bits.length / Long.BYTES];
    for (int word = 0; word < words.length; word++) {
      words[word] = word(bits, word);
    }
    return words;
  }

  private static long word(byte[] row, int word) {
    return (long) LONGS.get(row, word * Long.BYTES);
  }

  /** Whether none of the bits {@code nullBits} is set in {@code row}. */
  static boolean areWithoutNulls(byte[] row, long[] nullBits) {
    long nulls = 0;
    for (int word = 0; word < nullBits.length; word++) {
      nulls |= word(row, word) & nullBits[word];
    }
    return nulls == 0;
  }

  /**
   * Copies the value that starts at byte {@code start} of a row, whose bytes are the element, to
   * {@code to}.
   */
  static FieldCopy copy(FieldType type, int start, ByteBuffer to) {
    return switch (type.requireCell().dtype().itemSize()) {
      case 1 -> (row, bytes) -> to.put(row, ((byte[]) bytes)[start]);
      case 2 -> shorts(start, to.asShortBuffer());
      case 4 -> ints(start, to.asIntBuffer());
      default -> longs(start, to.asLongBuffer());
    };
  }

  private static FieldCopy shorts(int start, ShortBuffer to) {
    return (row, bytes) -> to.put(row, (short) SHORTS.get((byte[]) bytes, start));
  }

  private static FieldCopy ints(int start, IntBuffer to) {
    return (row, bytes) -> to.put(row, (int) INTS.get((byte[]) bytes, start));
  }

  private static FieldCopy longs(int start, LongBuffer to) {
    return (row, bytes) -> to.put(row, (long) LONGS.get((byte[]) bytes, start));
  }
}
