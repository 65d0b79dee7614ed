package io.arrowtensor.spark;

import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.internal.BulkCopy;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.ipc.message.ArrowFieldNode;
import org.jspecify.annotations.Nullable;

/** The validity bitmap of one result vector: the result's own nulls and those of its arguments. */
final class RowBits implements AutoCloseable {
  /** Every row is present. */
  static final RowBits ALL = new RowBits(null);

  private final @Nullable ArrowBuf bits;

  private RowBits(@Nullable ArrowBuf bits) {
    this.bits = bits;
  }

  /**
   * The rows that are present in {@code column} and in {@code present}.
   *
   * @param present a bitmap, null for all; borrowed
   */
  static RowBits of(
      DeviceColumn column, int rows, @Nullable ArrowBuf present, BufferAllocator allocator) {
    DeviceArray own = column.validity();
    if (own == null && present == null) {
      return ALL;
    }
    long bytes = (rows + 7L) / 8;
    ArrowBuf bits = allocator.buffer(bytes);
    if (own == null) {
      bits.setBytes(0, present, 0, bytes);
      return new RowBits(bits);
    }
    own.requireHostContiguous("read the nulls of");
    BulkCopy.packBits(own.address(), rows, bits.memoryAddress());
    if (present != null) {
      and(bits, present, bytes);
    }
    return new RowBits(bits);
  }

  /** The rows in which no column of {@code arguments} is null; null when that is every row. */
  static @Nullable ArrowBuf presentInAll(
      Iterable<DeviceColumn> arguments, int rows, BufferAllocator allocator) {
    ArrowBuf all = null;
    long bytes = (rows + 7L) / 8;
    for (DeviceColumn column : arguments) {
      DeviceArray validity = column.validity();
      if (validity != null) {
        ArrowBuf bits = allocator.buffer(bytes);
        BulkCopy.packBits(validity.address(), rows, bits.memoryAddress());
        if (all == null) {
          all = bits;
        } else {
          and(all, bits, bytes);
          bits.close();
        }
      }
    }
    return all;
  }

  private static void and(ArrowBuf target, ArrowBuf other, long bytes) {
    for (long i = 0; i < bytes; i++) {
      target.setByte(i, target.getByte(i) & other.getByte(i));
    }
  }

  @Nullable ArrowBuf buffer() {
    return bits;
  }

  /** A node of {@code count} values; its null count only tells whether there is a bitmap. */
  ArrowFieldNode node(long count) {
    return new ArrowFieldNode(count, bits == null ? 0 : 1);
  }

  @Override
  public void close() {
    if (bits != null) {
      bits.close();
    }
  }
}
