package io.arrowtensor;

import io.arrowtensor.internal.RawMemory;
import io.arrowtensor.internal.Shapes;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/**
 * How the rows of a {@link ColumnKind#TENSOR} column lie in its values, each row-major with a shape
 * of its own. What {@code arrow.variable_shape_tensor} says, in its terms: physical dimensions are
 * those in memory order.
 *
 * @param shapes int32 {@code [rows, ndim]}, the physical shape of each row; closed with the column
 * @param permutation for each logical dimension the physical one that it is
 * @param dimNames names of the physical dimensions, or an empty list
 * @param uniformShape the physical dimensions that are the same in all rows, {@link
 *     BatchSchema#DYNAMIC} for those that are not; an empty list when nothing is known
 */
public record TensorRows(
    DeviceArray shapes, List<Integer> permutation, List<String> dimNames, List<Long> uniformShape) {

  /**
   * Copies the lists.
   *
   * @throws InterchangeException when they do not fit {@code shapes}
   */
  public TensorRows {
    permutation = List.copyOf(permutation);
    dimNames = List.copyOf(dimNames);
    uniformShape = List.copyOf(uniformShape);
    List<Integer> axes = permutation.stream().sorted().toList();
    boolean fits =
        shapes.dtype().equals(DType.INT32)
            && shapes.ndim() == 2
            && axes.equals(IntStream.range(0, (int) shapes.dim(1)).boxed().toList())
            && (dimNames.isEmpty() || dimNames.size() == axes.size())
            && (uniformShape.isEmpty() || uniformShape.size() == axes.size());
    if (!fits) {
      throw new InterchangeException(
          "Invalid tensor rows: expected int32 shapes [rows, ndim], each axis once and an entry for"
              + " each dimension, got "
              + shapes
              + ", permutation "
              + permutation
              + ", dim names "
              + dimNames
              + ", uniform shape "
              + uniformShape);
    }
  }

  /** Rows whose logical dimensions are the physical ones, without names. */
  public static TensorRows of(DeviceArray shapes) {
    int ndim = shapes.ndim() == 2 ? (int) shapes.dim(1) : 0;
    List<Integer> identity = IntStream.range(0, ndim).boxed().toList();
    return new TensorRows(shapes, identity, List.of(), List.of());
  }

  /** Dimensions of every row. */
  public int ndim() {
    return permutation.size();
  }

  /**
   * The logical shape that all rows have, {@link BatchSchema#DYNAMIC} where they differ or nothing
   * is known.
   */
  public List<Long> logicalShape() {
    return permutation.stream()
        .map(axis -> uniformShape.isEmpty() ? BatchSchema.DYNAMIC : uniformShape.get(axis))
        .toList();
  }

  private long[] physical(long row) {
    Memory sizes = shapes.open(Options.defaults()); // stays while it is read
    try {
      return LongStream.range(0, ndim())
          .map(d -> RawMemory.intAt(sizes.start() + 4 * (row * ndim() + d)))
          .toArray();
    } finally {
      sizes.release();
    }
  }

  /** Row {@code row} of {@code values}, whose elements run from {@code start} to {@code end}. */
  Memory row(Memory values, long row, long start, long end) {
    long[] physical = physical(row);
    boolean fits = start >= 0 && end >= start && end <= values.shape()[0];
    for (int d = 0; d < physical.length && !uniformShape.isEmpty(); d++) {
      fits &= uniformShape.get(d) == BatchSchema.DYNAMIC || uniformShape.get(d) == physical[d];
    }
    if (!fits || Shapes.size(physical) != end - start) {
      throw new InvalidStructException(
          "Invalid tensor in row "
              + row
              + ": shape "
              + java.util.Arrays.toString(physical)
              + " for elements "
              + start
              + " to "
              + end
              + " of "
              + values.shape()[0]
              + (uniformShape.isEmpty() ? "" : ", where all rows have " + uniformShape));
    }
    long[] strides = Shapes.rowMajor(physical);
    long[] shape = new long[physical.length];
    long[] steps = new long[physical.length];
    for (int d = 0; d < shape.length; d++) {
      shape[d] = physical[permutation.get(d)];
      steps[d] = strides[permutation.get(d)];
    }
    return new Memory(
        values.address(),
        values.dtype(),
        shape,
        steps,
        Math.addExact(values.offset(), start * values.dtype().itemSize()),
        values.device(),
        dimNames.isEmpty() ? dimNames : permutation.stream().map(dimNames::get).toList(),
        values.readOnly(),
        values.owner(),
        values.scope(),
        values.outcome(),
        values.ready());
  }
}
