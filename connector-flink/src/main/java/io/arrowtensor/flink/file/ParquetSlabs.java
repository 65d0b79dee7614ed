package io.arrowtensor.flink.file;

import io.arrowtensor.BatchSchema.Column;
import io.arrowtensor.DType;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;
import io.arrowtensor.internal.BulkCopy;
import io.arrowtensor.internal.Closing;
import io.arrowtensor.internal.Owner;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * The native memory of one batch's scalar columns. Columns of one type lie at equal distance in one
 * slab, each as aligned as the slab, so that they are also one matrix without copy. The creator
 * closes it; what columns were given stays until they are closed.
 */
final class ParquetSlabs implements AutoCloseable {
  private final int rows;
  private final long[] addresses;
  private final List<Memory> slabs = new ArrayList<>();
  private final Memory[] owners;

  private ParquetSlabs(int columns, int rows) {
    this.rows = rows;
    this.addresses = new long[columns];
    this.owners = new Memory[columns];
  }

  /** Memory for {@code rows} of those vectors that need some before they are written. */
  static ParquetSlabs allocate(List<ParquetVector> vectors, int rows, Options options) {
    Map<DType, List<Integer>> types = new LinkedHashMap<>();
    for (int c = 0; c < vectors.size(); c++) {
      if (vectors.get(c).width() > 0) {
        types.computeIfAbsent(vectors.get(c).column.dtype(), t -> new ArrayList<>()).add(c);
      }
    }
    ParquetSlabs slabs = new ParquetSlabs(vectors.size(), rows);
    try {
      types.forEach((type, columns) -> slabs.add(type, columns, options));
      return slabs;
    } catch (RuntimeException | Error e) {
      Closing.quietly(e, List.of(slabs));
      throw e;
    }
  }

  private void add(DType type, List<Integer> columns, Options options) {
    int perLine = options.allocationAlignment() / type.itemSize();
    long distance = (rows + perLine - 1L) / perLine * perLine;
    Memory slab = BulkCopy.allocate(type, new long[] {columns.size(), distance}, options);
    slabs.add(slab);
    for (int k = 0; k < columns.size(); k++) {
      addresses[columns.get(k)] = slab.address() + k * distance * type.itemSize();
      owners[columns.get(k)] = slab;
    }
  }

  long address(int column) {
    return addresses[column];
  }

  /** The memory of a column, with a reference of its own, empty for one that needs none. */
  Memory memory(int c, Column column) {
    if (addresses[c] == 0) {
      return Memory.borrow(0, column.dtype(), 0);
    }
    Owner owner = Objects.requireNonNull(owners[c].owner(), "slabs have an owner");
    return Memory.borrow(addresses[c], column.dtype(), rows).withOwner(owner.retain());
  }

  @Override
  public void close() {
    slabs.forEach(Memory::release);
    slabs.clear();
  }
}
