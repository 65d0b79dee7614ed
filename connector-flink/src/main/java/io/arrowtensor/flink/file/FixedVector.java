package io.arrowtensor.flink.file;

import io.arrowtensor.BatchSchema.Column;
import io.arrowtensor.DType;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;
import io.arrowtensor.Outcome;
import io.arrowtensor.flink.file.ParquetPages.Page;
import io.arrowtensor.internal.RawMemory;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Numbers, and booleans in a byte each. The file has numbers in 4 or 8 bytes, little-endian;
 * integers of 8 and 16 bits in 4, which become as narrow as they are declared.
 */
final class FixedVector extends ParquetVector {
  private final int width;
  private final int stored;
  private final byte[] block = new byte[FixedValues.BLOCK * Long.BYTES];
  private FixedValues.@Nullable Words words;
  private @Nullable FixedValues values;

  FixedVector(Column column, int rows) {
    super(column, rows);
    this.width = column.dtype().itemSize();
    this.stored = isFlag() ? 1 : Math.max(width, Integer.BYTES);
  }

  private boolean isFlag() {
    return column.dtype().equals(DType.BOOL);
  }

  @Override
  int width() {
    return width;
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
    if (isFlag()) {
      throw unknown(page);
    }
    words = FixedValues.Words.of(page.values(), page.rows(), stored);
  }

  @Override
  void values(Page page) {
    if (page.hasIndices()) {
      Runs indices = Runs.ofIndices(page.values());
      values = new FixedValues.LookedUp(indices, Objects.requireNonNull(words));
      return;
    }
    values = isFlag() ? flags(page) : numbers(page);
  }

  private FixedValues flags(Page page) {
    return switch (page.encoding()) {
      case PLAIN -> new FixedValues.Bits(page.values());
      case RLE -> new FixedValues.Flags(page.values());
      default -> throw unknown(page);
    };
  }

  private FixedValues numbers(Page page) {
    return switch (page.encoding()) {
      case PLAIN -> new FixedValues.Plain(page.values(), stored);
      case BYTE_STREAM_SPLIT -> new FixedValues.Split(page.values(), stored);
      case DELTA_BINARY_PACKED -> new Deltas(page.values(), stored);
      default -> throw unknown(page);
    };
  }

  @Override
  void read(int row, int rows) {
    FixedValues page = Objects.requireNonNull(values);
    if (width == stored) {
      page.read(at(row), rows, width, block);
      return;
    }
    for (int done = 0; done < rows; done += FixedValues.BLOCK) {
      int next = Math.min(FixedValues.BLOCK, rows - done);
      page.read(block, next);
      store(row + done, next);
    }
  }

  @Override
  void spread(int row, int rows, int values, int[] present) {
    Objects.requireNonNull(this.values).read(block, values);
    switch (stored) {
      case Long.BYTES -> spreadLongs(rows, values, present);
      case Integer.BYTES -> spreadInts(rows, values, present);
      default -> spreadBytes(rows, values, present);
    }
    store(row, rows);
  }

  /** From the last to the first, as each goes to its place or behind; nulls are zeros. */
  private void spreadLongs(int rows, int values, int[] present) {
    int from = values - 1;
    for (int row = rows - 1; row >= 0; row--) {
      long value = (long) FixedValues.LONGS.get(block, Math.max(from, 0) * Long.BYTES);
      FixedValues.LONGS.set(block, row * Long.BYTES, value & -present[row]);
      from -= present[row];
    }
  }

  private void spreadInts(int rows, int values, int[] present) {
    int from = values - 1;
    for (int row = rows - 1; row >= 0; row--) {
      int value = (int) FixedValues.INTS.get(block, Math.max(from, 0) * Integer.BYTES);
      FixedValues.INTS.set(block, row * Integer.BYTES, value & -present[row]);
      from -= present[row];
    }
  }

  private void spreadBytes(int rows, int values, int[] present) {
    int from = values - 1;
    for (int row = rows - 1; row >= 0; row--) {
      block[row] = (byte) (block[Math.max(from, 0)] & -present[row]);
      from -= present[row];
    }
  }

  /** Copies the block to its rows, as narrow as those are. */
  private void store(int row, int rows) {
    if (width < stored) {
      for (int i = 0; i < rows * width; i++) { // little-endian: the low bytes come first
        block[i] = block[i / width * stored + i % width];
      }
    }
    RawMemory.copyFrom(block, 0, at(row), rows * width);
  }

  @Override
  DeviceColumn column(int rows, Memory memory, Options options) {
    Memory values = memory.withOutcome(Outcome.copied(memory.nbytes(), reason()));
    return DeviceColumn.of(column.name(), DeviceArray.from(values));
  }
}
