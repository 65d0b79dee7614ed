package io.arrowtensor.flink.file;

import io.arrowtensor.BatchSchema.Column;
import io.arrowtensor.DType;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;
import io.arrowtensor.Outcome;
import io.arrowtensor.UnsupportedTypeException;
import io.arrowtensor.flink.file.ParquetPages.Page;
import io.arrowtensor.internal.BulkCopy;
import io.arrowtensor.internal.Closing;
import io.arrowtensor.internal.RawMemory;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Text and binary. Their size is known with the last row only, so the bytes are gathered on the
 * heap, in the order of the rows, and copied once.
 */
final class BytesVector extends ParquetVector {
  private static final int FIRST_CAPACITY = 1 << 12;

  private final int[] lengths;
  private byte[] bytes = new byte[FIRST_CAPACITY];
  private int size;
  private BytesValues.@Nullable Words words;
  private @Nullable BytesValues values;

  BytesVector(Column column, int rows) {
    super(column, rows);
    this.lengths = new int[rows];
  }

  @Override
  int width() {
    return 0;
  }

  @Override
  void open() {
    words = null;
    values = null;
  }

  @Override
  boolean hasWords() {
    return words != null;
  }

  @Override
  void words(Page page) {
    words = new BytesValues.Words(page.values(), page.rows());
  }

  @Override
  void values(Page page) {
    if (page.hasIndices()) {
      Runs indices = Runs.ofIndices(page.values());
      values = new BytesValues.LookedUp(indices, Objects.requireNonNull(words));
      return;
    }
    values =
        switch (page.encoding()) {
          case PLAIN -> new BytesValues.Plain(page.values());
          default -> throw unknown(page);
        };
  }

  @Override
  void start(long address, int rows) {
    super.start(address, rows);
    size = 0;
  }

  @Override
  void read(int row, int rows) {
    Objects.requireNonNull(values).read(this, row, rows);
  }

  /** From the last to the first, as each goes to its place or behind; nulls have no bytes. */
  @Override
  void spread(int row, int rows, int values, int[] present) {
    read(row, values);
    int from = row + values - 1;
    for (int i = rows - 1; i >= 0; i--) {
      lengths[row + i] = present[i] == 0 ? 0 : lengths[from--];
    }
  }

  /** Appends the value of {@code row}. */
  void append(int row, byte[] from, int start, int length) {
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
          "it has more than " + most + " bytes in one batch; ask for batches of fewer rows");
    }
    return (int) Math.min(most, Math.max(needed, 2L * bytes.length));
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
}
