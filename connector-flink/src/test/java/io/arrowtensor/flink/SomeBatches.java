package io.arrowtensor.flink;

import static org.assertj.core.api.Assertions.assertThat;

import io.arrowtensor.ColumnKind;
import io.arrowtensor.DType;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.TensorRows;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Batches for tests, and what they hold. */
final class SomeBatches {
  private SomeBatches() {}

  /** An array whose bytes count up from {@code first}, none of them 0 or 1 alone. */
  static DeviceArray counting(DType dtype, int first, long... shape) {
    DeviceArray array = DeviceArray.from(Memory.allocate(dtype, shape));
    ByteBuffer bytes = array.byteBuffer();
    for (int i = 0; bytes.hasRemaining(); i++) {
      bytes.put((byte) (dtype.equals(DType.BOOL) ? (first + i) & 1 : first + i));
    }
    return array;
  }

  static DeviceArray ints(int... values) {
    DeviceArray array = DeviceArray.from(Memory.allocate(DType.INT32, values.length));
    array.byteBuffer().asIntBuffer().put(values);
    return array;
  }

  static DeviceArray longs(long... values) {
    DeviceArray array = DeviceArray.from(Memory.allocate(DType.INT64, values.length));
    array.byteBuffer().asLongBuffer().put(values);
    return array;
  }

  static DeviceArray floats(float... values) {
    DeviceArray array = DeviceArray.from(Memory.allocate(DType.FLOAT32, values.length));
    array.byteBuffer().asFloatBuffer().put(values);
    return array;
  }

  /** A mask of {@code rows} of which each third is null. */
  static DeviceArray mask(int rows) {
    boolean[] present = new boolean[rows];
    for (int row = 0; row < rows; row++) {
      present[row] = row % 3 != 1;
    }
    return RowMarks.of(present, rows, Options.defaults());
  }

  /** The array with its dimensions in the other order in memory. */
  static DeviceArray transposed(DeviceArray array) {
    Memory memory = array.open(Options.defaults());
    array.close();
    long[] shape = memory.shape();
    long[] reversed = new long[shape.length];
    long[] strides = new long[shape.length];
    for (int d = 0; d < shape.length; d++) {
      reversed[d] = shape[shape.length - 1 - d];
      strides[d] = memory.strides()[shape.length - 1 - d];
    }
    return DeviceArray.from(
        Memory.borrow(memory.address(), memory.dtype(), reversed)
            .withStrides(strides)
            .withOwner(memory.owner()));
  }

  static DeviceColumn strings(String name, boolean large, String... texts) {
    byte[] bytes = String.join("", texts).getBytes(java.nio.charset.StandardCharsets.UTF_8);
    DeviceArray values = DeviceArray.from(Memory.allocate(DType.UINT8, bytes.length));
    values.byteBuffer().put(bytes);
    long[] offsets = new long[texts.length + 1];
    for (int i = 0; i < texts.length; i++) {
      offsets[i + 1] =
          offsets[i] + texts[i].getBytes(java.nio.charset.StandardCharsets.UTF_8).length;
    }
    DeviceArray starts =
        large ? longs(offsets) : ints(Arrays.stream(offsets).mapToInt(i -> (int) i).toArray());
    return DeviceColumn.of(name, ColumnKind.STRING, values, starts);
  }

  static DeviceColumn lists(String name, DeviceArray values, int... offsets) {
    return DeviceColumn.of(name, ColumnKind.LIST, values, ints(offsets));
  }

  static DeviceColumn tensors(String name) {
    DeviceArray shapes = DeviceArray.from(Memory.allocate(DType.INT32, 2, 2));
    shapes.byteBuffer().asIntBuffer().put(new int[] {1, 2, 3, 1});
    return DeviceColumn.tensors(
        name,
        floats(1, 2, 3, 4, 5),
        ints(0, 2, 5),
        new TensorRows(shapes, List.of(1, 0), List.of("h", "w"), List.of(-1L, -1L)));
  }

  /** Everything that a batch says, but where its memory is. */
  static void assertSame(DeviceBatch actual, DeviceBatch expected) {
    assertThat(actual.rowCount()).as("rows").isEqualTo(expected.rowCount());
    assertThat(actual.columns()).as("columns").hasSameSizeAs(expected.columns());
    for (int i = 0; i < expected.columns().size(); i++) {
      assertThat(actual.column(i).name()).isEqualTo(expected.column(i).name());
      assertSame(actual.column(i), expected.column(i));
    }
  }

  /** But the name, which a dictionary loses. */
  private static void assertSame(@Nullable DeviceColumn actual, @Nullable DeviceColumn expected) {
    if (expected == null) {
      assertThat(actual).isNull();
      return;
    }
    assertThat(actual.kind()).isEqualTo(expected.kind());
    assertSame("values of " + expected, actual.values(), expected.values());
    assertSame("validity of " + expected, actual.validity(), expected.validity());
    assertSame("offsets of " + expected, actual.offsets(), expected.offsets());
    assertSame(actual.dictionary(), expected.dictionary());
    TensorRows rows = expected.tensorRows();
    if (rows != null) {
      assertSame("shapes", actual.tensorRows().shapes(), rows.shapes());
      assertThat(actual.tensorRows().permutation()).isEqualTo(rows.permutation());
      assertThat(actual.tensorRows().dimNames()).isEqualTo(rows.dimNames());
      assertThat(actual.tensorRows().uniformShape()).isEqualTo(rows.uniformShape());
    }
  }

  private static void assertSame(
      String what, @Nullable DeviceArray actual, @Nullable DeviceArray expected) {
    if (expected == null) {
      assertThat(actual).as(what).isNull();
      return;
    }
    assertThat(actual).as(what).isNotNull();
    assertThat(actual.dtype()).as("type of %s", what).isEqualTo(expected.dtype());
    assertThat(actual.shape()).as("shape of %s", what).isEqualTo(expected.shape());
    assertThat(bytes(actual)).as("bytes of %s", what).isEqualTo(bytes(expected));
  }

  private static byte[] bytes(DeviceArray array) {
    try (DeviceArray straight = array.contiguous(Options.defaults())) {
      byte[] bytes = new byte[(int) straight.nbytes()];
      straight.byteBuffer().order(ByteOrder.nativeOrder()).get(bytes);
      return bytes;
    }
  }

  /** The elements as numbers. */
  static double[] numbers(DeviceArray array) {
    double[] numbers = new double[(int) array.size()];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = Sum.at(array, i);
    }
    return numbers;
  }

  static OwnedBatch of(DeviceColumn... columns) {
    return OwnedBatch.of(columns);
  }
}
