package io.arrowtensor.spark;

import io.arrowtensor.DType;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.Memory;
import io.arrowtensor.internal.ArrowOwner;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.vector.BaseFixedWidthVector;
import org.apache.arrow.vector.ValueVector;
import org.apache.spark.sql.execution.vectorized.OffHeapColumnVector;
import org.apache.spark.sql.vectorized.ArrowColumnVector;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.jspecify.annotations.Nullable;

/** Finds the address of a vector's values, for exactly the classes that are known to have one. */
final class DirectValues {
  private static volatile @Nullable List<ColumnVectorAdapter> loaded;

  private DirectValues() {}

  private static List<ColumnVectorAdapter> adapters() {
    List<ColumnVectorAdapter> adapters = loaded;
    if (adapters == null) {
      adapters = adapters(DirectValues.class.getClassLoader());
      loaded = adapters;
    }
    return adapters;
  }

  /**
   * Spark's formats and those that {@code loader} names.
   *
   * @throws InterchangeException when a provider cannot be loaded; it would be missed silently
   */
  static List<ColumnVectorAdapter> adapters(ClassLoader loader) {
    List<ColumnVectorAdapter> adapters = new ArrayList<>();
    adapters.add(DirectValues::offHeap);
    adapters.add(DirectValues::arrow);
    try {
      ServiceLoader.load(ColumnVectorAdapter.class, loader).forEach(adapters::add);
    } catch (ServiceConfigurationError e) {
      throw new InterchangeException(
          "Cannot load a column format: "
              + e.getMessage()
              + "; repair or remove the jar that names it",
          e);
    }
    return List.copyOf(adapters);
  }

  /** The first {@code rows} values, null when they can only be read by getters. */
  static @Nullable Memory of(ColumnVector vector, DType dtype, int rows) {
    return of(adapters(), vector, dtype, rows);
  }

  static @Nullable Memory of(
      List<ColumnVectorAdapter> adapters, ColumnVector vector, DType dtype, int rows) {
    for (ColumnVectorAdapter adapter : adapters) {
      Optional<Memory> memory = adapter.values(vector, dtype, rows);
      if (memory.isPresent()) {
        return memory.get();
      }
    }
    return null;
  }

  /** A dictionary leaves garbage in the buffer; a column of nulls only may have no buffer. */
  private static Optional<Memory> offHeap(ColumnVector vector, DType dtype, int rows) {
    if (vector.getClass() != OffHeapColumnVector.class) {
      return Optional.empty();
    }
    OffHeapColumnVector offHeap = (OffHeapColumnVector) vector;
    boolean there = !offHeap.hasDictionary() && !offHeap.isAllNull();
    return there
        ? Optional.of(Memory.borrow(offHeap.valuesNativeAddress(), dtype, rows))
        : Optional.empty();
  }

  private static Optional<Memory> arrow(ColumnVector vector, DType dtype, int rows) {
    if (vector.getClass() != ArrowColumnVector.class) {
      return Optional.empty();
    }
    ValueVector values = ((ArrowColumnVector) vector).getValueVector();
    boolean sameWidth =
        values instanceof BaseFixedWidthVector fixed && fixed.getTypeWidth() == dtype.itemSize();
    if (!sameWidth) {
      return Optional.empty();
    }
    ArrowBuf buffer = values.getDataBuffer();
    return Optional.of(
        Memory.borrow(buffer.memoryAddress(), dtype, rows).withOwner(ArrowOwner.retain(buffer)));
  }
}
