package io.arrowtensor;

import io.arrowtensor.internal.Backends;
import io.arrowtensor.internal.BulkCopy;
import io.arrowtensor.internal.Element;
import io.arrowtensor.internal.Owner;
import io.arrowtensor.internal.Scope;
import io.arrowtensor.internal.Strided;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Columns of equal length as one matrix {@code [n, k]}: row i holds element i of each column. */
public final class Matrix {
  private Matrix() {}

  /**
   * Copies {@code columns} into new row-major memory in one pass, converting their elements on the
   * way. Integers become floating-point numbers rounded to nearest; floating-point numbers lose
   * their fraction on the way to integers; bool becomes 0 or 1. The result's outcome counts the
   * bytes written as {@link CopyReason#PACKED}, or as {@link CopyReason#CAST} where an element type
   * changed.
   *
   * @param columns k arrays of n elements in host memory, any strides; borrowed for the call
   * @param target bool, an integer, float16, bfloat16, float32 or float64
   * @param options allocator and alignment of the result
   * @return a writable {@code [n, k]} array that the caller closes
   * @throws CopyRefusedException under {@link Copy#NEVER}; {@link #columnMajor} does not copy
   * @throws UnsupportedTypeException for an element type that is not converted to {@code target}
   * @throws InterchangeException naming row, column and value that {@code target} cannot hold
   */
  public static DeviceArray pack(List<DeviceArray> columns, DType target, Options options) {
    long rows = rows(columns);
    if (options.copy() == Copy.NEVER) {
      throw new CopyRefusedException(
          "Cannot pack "
              + columns.size()
              + " columns into one row-major matrix: that is a copy and Copy.NEVER forbids it;"
              + " allow it with Options.withCopy(Copy.IF_NEEDED) or take Matrix.columnMajor");
    }
    Element element = Element.of(target, "the matrix");
    List<Strided> sources = new ArrayList<>();
    for (int c = 0; c < columns.size(); c++) {
      sources.add(source(columns.get(c), "column " + c, element));
    }
    long[] shape = {rows, columns.size()};
    return DeviceArray.from(BulkCopy.pack(sources, rows, element, shape, options), options);
  }

  private static Strided source(DeviceArray column, String label, Element target) {
    column.device().requireHostAccessible("pack " + label + " in");
    Element element = Element.of(column.dtype(), label);
    if (!target.castsFrom(element)) {
      throw new UnsupportedTypeException(
          "Cannot cast "
              + label
              + " from "
              + column.dtype()
              + " to "
              + target.dtype()
              + ": compare it with a value first");
    }
    return new Strided(column.address(), distance(column) * element.width(), element, label);
  }

  private static long rows(List<DeviceArray> columns) {
    if (columns.isEmpty()) {
      throw new InterchangeException("Cannot make a matrix of no columns: name at least one");
    }
    long rows = columns.get(0).ndim() == 1 ? columns.get(0).dim(0) : -1;
    for (int c = 0; c < columns.size(); c++) {
      DeviceArray column = columns.get(c);
      if (column.ndim() != 1 || column.dim(0) != rows) {
        throw new InterchangeException(
            "Cannot make column "
                + c
                + " of shape "
                + Arrays.toString(column.shape())
                + " a column of a matrix: expected one dimension"
                + (rows < 0 ? "" : " of " + rows + " elements, as column 0 has"));
      }
    }
    return rows;
  }

  /**
   * Views {@code columns} as one column-major matrix without any copy: strides (1, distance of two
   * columns). The columns must lie at equal distance in one piece of memory, as a column-wise
   * writer lays them out.
   *
   * @return an {@code [n, k]} array that the caller closes; it retains what the columns retain, so
   *     they may be closed first, and is writable if all of them are
   * @throws CopyRefusedException naming the column that does not fit
   */
  public static DeviceArray columnMajor(List<DeviceArray> columns) {
    for (int c = 0; c < columns.size(); c++) {
      DeviceArray column = columns.get(c);
      if (column.ndim() == 1 && !column.isContiguous()) {
        throw misfit(c, "has strides " + Arrays.toString(column.strides()));
      }
    }
    return strided(columns);
  }

  /**
   * Views {@code columns} as one matrix without any copy, whatever the distance of two elements of
   * a column is: strides (that distance, distance of two columns). Both distances must be the same
   * everywhere, as in columns that a row format holds side by side, or that {@link #columnMajor}
   * takes.
   *
   * @return an {@code [n, k]} array that the caller closes; it retains what the columns retain, so
   *     they may be closed first, and is writable if all of them are
   * @throws CopyRefusedException naming the column that does not fit
   */
  public static DeviceArray strided(List<DeviceArray> columns) {
    long rows = rows(columns);
    DeviceArray first = columns.get(0);
    long step = columns.size() == 1 ? rows : step(first, columns.get(1));
    for (int c = 0; c < columns.size(); c++) {
      requireFits(columns, c, step);
    }
    List<Memory> opened = openAll(columns);
    Memory view =
        Memory.borrow(first.address(), first.dtype(), rows, columns.size())
            .withStrides(distance(first), step)
            .withByteOffset(first.byteOffset())
            .withDevice(first.device())
            .withReady(opened.get(0).ready())
            .withReadOnly(columns.stream().anyMatch(DeviceArray::isReadOnly))
            .withOwner(owner(opened));
    Scope scope = opened.get(0).scope();
    return DeviceArray.from(scope == null ? view : view.withScope(scope));
  }

  /** Elements from one of a column to the next; a stride that nobody takes says nothing. */
  private static long distance(DeviceArray column) {
    return column.size() < 2 ? 1 : column.strides()[0];
  }

  private static long step(DeviceArray first, DeviceArray second) {
    if (!first.device().type().isAddressable()) {
      throw new CopyRefusedException(
          "Cannot view columns on "
              + first.device()
              + " as one matrix: their distance is not known there");
    }
    long bytes = second.address() - first.address();
    if (bytes % first.dtype().itemSize() != 0) {
      throw new CopyRefusedException(
          "Cannot view columns as one matrix without copy: column 1 lies "
              + bytes
              + " bytes behind column 0, no multiple of "
              + first.dtype().itemSize()
              + "; use Matrix.pack");
    }
    return bytes / first.dtype().itemSize();
  }

  private static void requireFits(List<DeviceArray> columns, int c, long step) {
    DeviceArray first = columns.get(0);
    DeviceArray column = columns.get(c);
    long expected = first.address() + c * step * first.dtype().itemSize();
    String why = null;
    if (!column.dtype().equals(first.dtype())) {
      why = "is " + column.dtype() + ", column 0 is " + first.dtype();
    } else if (!column.device().equals(first.device())) {
      why = "is on " + column.device() + ", column 0 is on " + first.device();
    } else if (distance(column) != distance(first)) {
      why = "has stride " + distance(column) + ", column 0 has " + distance(first);
    } else if (column.address() != expected) {
      why = "lies " + (column.address() - expected) + " bytes off the distance of columns 0 and 1";
    }
    if (why != null) {
      throw misfit(c, why);
    }
  }

  private static CopyRefusedException misfit(int column, String why) {
    return new CopyRefusedException(
        "Cannot view columns as one matrix without copy: column "
            + column
            + " "
            + why
            + "; use Matrix.pack");
  }

  private static List<Memory> openAll(List<DeviceArray> columns) {
    List<Memory> opened = new ArrayList<>();
    try {
      for (DeviceArray column : columns) {
        opened.add(column.open(Options.defaults()));
      }
      requireOneScope(opened);
      Ready ready = opened.get(0).ready();
      if (opened.stream().anyMatch(memory -> !memory.ready().equals(ready))) {
        opened.replaceAll(Backends::awaited); // a matrix waits for one thing at most
      }
      return opened;
    } catch (RuntimeException | Error e) {
      opened.forEach(Memory::release);
      throw e;
    }
  }

  private static void requireOneScope(List<Memory> opened) {
    for (int c = 1; c < opened.size(); c++) {
      if (opened.get(c).scope() != opened.get(0).scope()) {
        throw new CopyRefusedException(
            "Cannot view columns as one matrix: column "
                + c
                + " is lent for another time than column 0; use Matrix.pack");
      }
    }
  }

  private static @Nullable Owner owner(List<Memory> opened) {
    if (opened.stream().allMatch(memory -> memory.owner() == null)) {
      return null;
    }
    return new Owner() {
      @Override
      protected void free() {
        opened.forEach(Memory::release);
      }
    };
  }
}
