package io.arrowtensor.arrow;

import io.arrowtensor.DType;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.UnsupportedTypeException;
import io.arrowtensor.internal.Shapes;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.FieldType;
import org.jspecify.annotations.Nullable;

/** Fields that fit arrays. */
final class TensorFields {
  private TensorFields() {}

  static Field nested(String name, DeviceArray array) {
    long[] shape = array.shape();
    Field field = element(shape.length < 2 ? name : "item", array.dtype());
    for (int d = shape.length - 1; d >= 1; d--) {
      ArrowType list = new ArrowType.FixedSizeList(listSize(shape, d, d + 1));
      field = new Field(d == 1 ? name : "item", FieldType.nullable(list), List.of(field));
    }
    return field;
  }

  static Field tensor(String name, DeviceArray array) {
    if (array.ndim() < 2) {
      return element(name, array.dtype());
    }
    int[] permutation = permutation(array.shape(), array.strides());
    long[] shape = array.shape();
    long[] physical = new long[shape.length - 1];
    String[] names = new String[array.dimNames().isEmpty() ? 0 : physical.length];
    for (int d = 0; d < physical.length; d++) {
      physical[permutation[d]] = shape[d + 1];
      if (names.length > 0) {
        names[permutation[d]] = array.dimNames().get(d + 1);
      }
    }
    String metadata = TensorMetadata.write(physical, permutation, Arrays.asList(names));
    Map<String, String> extension =
        Map.of(
            ArrowNode.EXTENSION_NAME,
            TensorMetadata.FIXED_SHAPE_TENSOR,
            ArrowNode.EXTENSION_METADATA,
            metadata);
    ArrowType list = new ArrowType.FixedSizeList(listSize(shape, 1, shape.length));
    return new Field(
        name, new FieldType(true, list, null, extension), List.of(element("item", array.dtype())));
  }

  private static Field element(String name, DType dtype) {
    return new Field(
        name,
        new FieldType(true, ElementTypes.arrowType(dtype), null, ElementTypes.metadata(dtype)),
        null);
  }

  static int listSize(long[] shape, int from, int to) {
    long size = Shapes.size(Arrays.copyOfRange(shape, from, to));
    if (size > Integer.MAX_VALUE) {
      throw new UnsupportedTypeException(
          "Cannot hold rows of " + size + " elements in a fixed-size list: the limit is 2^31 - 1");
    }
    return (int) size;
  }

  /**
   * For each dimension behind the rows its place in memory order; the identity when the memory is
   * not a permuted row-major block.
   */
  private static int[] permutation(long[] shape, long[] strides) {
    int ndim = shape.length - 1;
    if (Shapes.isRowMajor(shape, strides)) {
      return IntStream.range(0, ndim).toArray();
    }
    int[] order =
        IntStream.range(0, ndim)
            .boxed()
            .sorted((a, b) -> Long.compare(strides[b + 1], strides[a + 1]))
            .mapToInt(i -> i)
            .toArray();
    long[] sortedShape = new long[shape.length];
    long[] sortedStrides = new long[shape.length];
    int[] permutation = new int[ndim];
    sortedShape[0] = shape[0];
    sortedStrides[0] = strides[0];
    for (int place = 0; place < ndim; place++) {
      sortedShape[place + 1] = shape[order[place] + 1];
      sortedStrides[place + 1] = strides[order[place] + 1];
      permutation[order[place]] = place;
    }
    return Shapes.isRowMajor(sortedShape, sortedStrides)
        ? permutation
        : IntStream.range(0, ndim).toArray();
  }

  /** What {@code field} says of its rows' shape, null when it is no tensor's. */
  static @Nullable TensorMetadata metadata(Field field) {
    Map<String, String> metadata = field.getMetadata();
    boolean tensor =
        TensorMetadata.FIXED_SHAPE_TENSOR.equals(metadata.get(ArrowNode.EXTENSION_NAME));
    if (!tensor || !(field.getType() instanceof ArrowType.FixedSizeList list)) {
      return null;
    }
    return TensorMetadata.parse(
        metadata.getOrDefault(ArrowNode.EXTENSION_METADATA, ""), list.getListSize());
  }
}
