package io.arrowtensor.flink.file;

import io.arrowtensor.BatchSchema.Column;
import io.arrowtensor.DType;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;
import io.arrowtensor.Outcome;
import io.arrowtensor.UnsupportedTypeException;
import io.arrowtensor.internal.BulkCopy;
import io.arrowtensor.internal.Closing;
import io.arrowtensor.internal.RawMemory;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.apache.flink.table.data.columnar.vector.Dictionary;
import org.apache.flink.table.data.columnar.vector.writable.WritableBytesVector;

/**
 * Text and binary. Their size is known with the last row only, so the bytes are gathered on the
 * heap, in the order of the rows, and copied once.
 */
final class BytesVector extends ParquetVector implements WritableBytesVector {
  private static final int FIRST_CAPACITY = 1 << 12;

  private final int[] lengths;
  private byte[] bytes = new byte[FIRST_CAPACITY];
  private int size;

  BytesVector(Column column, int rows) {
    super(column, rows);
    this.lengths = new int[rows];
  }

  @Override
  int width() {
    return 0;
  }

  @Override
  public void reset() {
    super.reset();
    size = 0;
    Arrays.fill(lengths, 0);
  }

  @Override
  void clear(int row, int rows) {
    Arrays.fill(lengths, row, row + rows, 0);
  }

  @Override
  public void appendBytes(int row, byte[] from, int start, int length) {
    requireRow(row);
    Objects.checkFromIndexSize(start, length, from.length);
    if (length > bytes.length - size) {
      bytes = Arrays.copyOf(bytes, capacityFor(length));
    }
    System.arraycopy(from, start, bytes, size, length);
    lengths[row] = length;
    size += length;
  }

  private int capacityFor(int length) {
    long needed = (long) size + length;
    long most = Integer.MAX_VALUE - 8;
    if (needed > most) {
      throw new UnsupportedTypeException(
          "its column '"
              + column.name()
              + "' has more than "
              + most
              + " bytes in one batch; ask for batches of fewer rows");
    }
    return (int) Math.min(most, Math.max(needed, 2L * bytes.length));
  }

  /** Each word is taken out of the dictionary once for a batch. */
  @Override
  void decode(int rows, int[] indices, Dictionary words) {
    int largest = -1;
    for (int row = 0; row < rows; row++) {
      largest = isPresent(row) ? Math.max(largest, indices[row]) : largest;
    }
    byte[][] known = new byte[Math.min(largest + 1, rows)][];
    size = 0;
    for (int row = 0; row < rows; row++) {
      if (isPresent(row)) {
        int index = indices[row];
        byte[] word = index < known.length ? known[index] : null;
        if (word == null) {
          word = words.decodeToBinary(index);
          if (index < known.length) {
            known[index] = word;
          }
        }
        appendBytes(row, word, 0, word.length);
      }
    }
  }

  @Override
  DeviceColumn column(int rows, Memory memory, Options options) {
    DeviceArray offsets = offsets(rows, options);
    try {
      Memory values = BulkCopy.allocate(DType.UINT8, new long[] {size}, options);
      RawMemory.copyFrom(bytes, 0, values.address(), size);
      return DeviceColumn.of(
          column.name(),
          column.kind(),
          DeviceArray.from(values.withOutcome(Outcome.copied(size, reason()))),
          offsets);
    } catch (RuntimeException | Error e) {
      Closing.quietly(e, List.of(offsets));
      throw e;
    }
  }

  private DeviceArray offsets(int rows, Options options) {
    Memory offsets = BulkCopy.allocate(DType.INT32, new long[] {rows + 1L}, options);
    int end = 0;
    RawMemory.putInt(offsets.address(), 0);
    for (int row = 0; row < rows; row++) {
      end += lengths[row];
      RawMemory.putInt(offsets.address() + 4L * (row + 1), end);
    }
    return DeviceArray.from(offsets.withOutcome(Outcome.copied(offsets.nbytes(), reason())));
  }

  @Override
  public Bytes getBytes(int row) {
    throw unread();
  }

  @Override
  public void fill(byte[] value) {
    throw unread();
  }
}
