package io.arrowtensor.flink.file;

import io.arrowtensor.ColumnKind;
import io.arrowtensor.CopyReason;
import io.arrowtensor.DType;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.InvalidStructException;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;
import io.arrowtensor.Outcome;
import io.arrowtensor.TypeCode;
import io.arrowtensor.UnsupportedTypeException;
import io.arrowtensor.internal.BulkCopy;
import io.arrowtensor.internal.RawMemory;
import org.jspecify.annotations.Nullable;

/** Replaces indices by what they stand for in a dictionary: counted as decoded. */
final class Lookup {
  private static final int NULL = -1;

  private final DeviceColumn dictionary;
  private final Options options;

  /**
   * @param dictionary borrowed, in host memory
   * @param options name the allocator of what is looked up
   */
  Lookup(DeviceColumn dictionary, Options options) {
    this.dictionary = dictionary;
    this.options = options;
    if (dictionary.kind() == ColumnKind.TENSOR || dictionary.kind() == ColumnKind.LIST) {
      throw new UnsupportedTypeException(
          "Cannot look up '"
              + dictionary.name()
              + "': its dictionary holds "
              + dictionary.kind()
              + "; write it without dictionary");
    }
  }

  /** The values of {@code indices}, which stay open; the caller closes the column. */
  DeviceColumn decode(DeviceColumn indices) {
    int[] entries = entries(indices);
    boolean nulls = false;
    for (int entry : entries) {
      nulls |= entry == NULL;
    }
    DeviceArray validity = nulls ? validity(entries) : null;
    try {
      DeviceColumn column =
          dictionary.offsets() == null
              ? DeviceColumn.of(indices.name(), rows(entries))
              : bytes(indices.name(), entries, dictionary.offsets());
      return column.withValidity(validity);
    } catch (RuntimeException | Error e) {
      if (validity != null) {
        validity.close();
      }
      throw e;
    }
  }

  /** Which entry each row is, {@link #NULL} where the row or its entry is null. */
  private int[] entries(DeviceColumn indices) {
    int[] entries = new int[Math.toIntExact(indices.rowCount())];
    DeviceArray values = indices.values();
    long address = values.address();
    DType type = values.dtype();
    boolean signed = type.code().equals(TypeCode.INT);
    long present = addressOf(indices.validity());
    long known = addressOf(dictionary.validity());
    long size = dictionary.rowCount();
    for (int row = 0; row < entries.length; row++) {
      if (present != 0 && RawMemory.byteAt(present + row) == 0) {
        entries[row] = NULL;
        continue;
      }
      long entry = index(address, row, type.itemSize(), signed);
      if (entry < 0 || entry >= size) {
        throw new InvalidStructException(
            "Invalid index "
                + entry
                + " in row "
                + row
                + " of column '"
                + indices.name()
                + "': its dictionary has "
                + size
                + " entries");
      }
      boolean isNull = known != 0 && RawMemory.byteAt(known + entry) == 0;
      entries[row] = isNull ? NULL : (int) entry;
    }
    return entries;
  }

  private static long addressOf(@Nullable DeviceArray flags) {
    return flags == null ? 0 : flags.address();
  }

  private static long index(long address, int row, int width, boolean signed) {
    return switch (width) {
      case 1 -> {
        byte value = RawMemory.byteAt(address + row);
        yield signed ? value : Byte.toUnsignedInt(value);
      }
      case 2 -> {
        short value = RawMemory.shortAt(address + 2L * row);
        yield signed ? value : Short.toUnsignedInt(value);
      }
      case 4 -> {
        int value = RawMemory.intAt(address + 4L * row);
        yield signed ? value : Integer.toUnsignedLong(value);
      }
      default -> RawMemory.longAt(address + 8L * row); // unsigned ones beyond long are negative
    };
  }

  private DeviceArray validity(int[] entries) {
    Memory flags =
        BulkCopy.allocateLike(
            Memory.borrow(0, DType.BOOL, entries.length), options, CopyReason.VALIDITY);
    for (int row = 0; row < entries.length; row++) {
      RawMemory.putByte(flags.address() + row, (byte) (entries[row] == NULL ? 0 : 1));
    }
    return DeviceArray.from(flags);
  }

  private DeviceArray rows(int[] entries) {
    DeviceArray values = dictionary.values();
    long[] shape = values.shape().clone();
    shape[0] = entries.length;
    long width = values.dtype().itemSize();
    for (int d = 1; d < shape.length; d++) {
      width *= shape[d];
    }
    Memory rows = decoded(values.dtype(), shape);
    long from = values.address();
    long to = rows.address();
    for (int entry : entries) {
      if (entry == NULL) {
        RawMemory.fill(to, width, (byte) 0);
      } else if (width == 4) {
        RawMemory.putInt(to, RawMemory.intAt(from + 4L * entry));
      } else if (width == 8) {
        RawMemory.putLong(to, RawMemory.longAt(from + 8L * entry));
      } else {
        BulkCopy.copy(from + width * entry, to, width);
      }
      to += width;
    }
    return DeviceArray.from(rows);
  }

  private DeviceColumn bytes(String name, int[] entries, DeviceArray starts) {
    boolean large = starts.dtype().equals(DType.INT64);
    long total = 0;
    for (int entry : entries) {
      total += entry == NULL ? 0 : at(starts, large, entry + 1) - at(starts, large, entry);
    }
    if (!large && total > Integer.MAX_VALUE) {
      throw new UnsupportedTypeException(
          "Cannot look up column '"
              + name
              + "': a batch of it has "
              + total
              + " bytes, more than 32-bit offsets reach; write smaller batches, or large strings");
    }
    Memory offsets = decoded(starts.dtype(), new long[] {entries.length + 1L});
    DeviceArray ends = DeviceArray.from(offsets);
    try {
      Memory bytes = decoded(DType.UINT8, new long[] {total});
      long from = dictionary.values().size() == 0 ? 0 : dictionary.values().address();
      put(offsets.address(), large, 0, 0);
      long done = 0;
      for (int row = 0; row < entries.length; row++) {
        if (entries[row] != NULL) {
          long start = at(starts, large, entries[row]);
          long length = at(starts, large, entries[row] + 1) - start;
          BulkCopy.copy(from + start, bytes.address() + done, length);
          done += length;
        }
        put(offsets.address(), large, row + 1, done);
      }
      return DeviceColumn.of(name, dictionary.kind(), DeviceArray.from(bytes), ends);
    } catch (RuntimeException | Error e) {
      ends.close();
      throw e;
    }
  }

  private Memory decoded(DType dtype, long[] shape) {
    Memory memory = BulkCopy.allocate(dtype, shape, options);
    return memory.withOutcome(Outcome.copied(memory.nbytes(), CopyReason.DICTIONARY));
  }

  private static long at(DeviceArray offsets, boolean large, int i) {
    return large
        ? RawMemory.longAt(offsets.address() + 8L * i)
        : RawMemory.intAt(offsets.address() + 4L * i);
  }

  private static void put(long offsets, boolean large, int i, long value) {
    if (large) {
      RawMemory.putLong(offsets + 8L * i, value);
    } else {
      RawMemory.putInt(offsets + 4L * i, (int) value);
    }
  }
}
