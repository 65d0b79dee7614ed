package io.arrowtensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.internal.HalfFloat;
import io.arrowtensor.internal.NativeBytes;
import io.arrowtensor.internal.RawMemory;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.Random;
import java.util.stream.Stream;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class MatrixTest {
  private static final List<DType> TYPES =
      List.of(
          DType.BOOL,
          DType.INT8,
          DType.INT16,
          DType.INT32,
          DType.INT64,
          DType.UINT8,
          DType.UINT16,
          DType.UINT32,
          DType.UINT64,
          DType.FLOAT16,
          DType.BFLOAT16,
          DType.FLOAT32,
          DType.FLOAT64);

  private final BufferAllocator allocator = new RootAllocator();
  private final Options options = Options.defaults().withAllocator(allocator);
  private final List<DeviceArray> opened = new ArrayList<>();
  private final long heldBefore = NativeBytes.held();

  @AfterEach
  void leavesNothingBehind() {
    opened.forEach(DeviceArray::close);
    assertThat(allocator.getAllocatedMemory()).as("bytes left in the allocator").isZero();
    assertThat(NativeBytes.held()).as("native bytes held").isEqualTo(heldBefore);
    allocator.close();
  }

  private DeviceArray array(DType dtype, long... shape) {
    DeviceArray array = DeviceArray.from(Memory.allocate(dtype, shape), options);
    opened.add(array);
    return array;
  }

  private DeviceArray keep(DeviceArray array) {
    opened.add(array);
    return array;
  }

  /** Small whole numbers, which every type holds. */
  private DeviceArray column(DType dtype, int rows, Random random) {
    DeviceArray column = array(dtype, rows);
    for (int i = 0; i < rows; i++) {
      put(column, i, random.nextInt(dtype.equals(DType.BOOL) ? 2 : 100));
    }
    return column;
  }

  private static void put(DeviceArray array, long index, double value) {
    long at = array.address() + index * array.dtype().itemSize();
    switch (array.dtype().toString()) {
      case "float16" -> RawMemory.putShort(at, HalfFloat.bits((float) value));
      case "bfloat16" -> RawMemory.putShort(at, HalfFloat.bfloatBits((float) value));
      case "float32" -> RawMemory.putFloat(at, (float) value);
      case "float64" -> RawMemory.putDouble(at, value);
      default -> putBits(array.dtype().itemSize(), at, (long) value);
    }
  }

  private static void putBits(int width, long at, long value) {
    for (int b = 0; b < width; b++) {
      RawMemory.putByte(at + b, (byte) (value >> (8 * b)));
    }
  }

  /** The exact value of an element. */
  private static BigDecimal value(DeviceArray array, long index) {
    long at = array.address() + index * array.dtype().itemSize();
    return switch (array.dtype().toString()) {
      case "float16" -> BigDecimal.valueOf(HalfFloat.value(RawMemory.shortAt(at)));
      case "bfloat16" -> BigDecimal.valueOf(HalfFloat.bfloatValue(RawMemory.shortAt(at)));
      case "float32" -> new BigDecimal(RawMemory.floatAt(at));
      case "float64" -> new BigDecimal(RawMemory.doubleAt(at));
      case "int8" -> BigDecimal.valueOf(RawMemory.byteAt(at));
      case "int16" -> BigDecimal.valueOf(RawMemory.shortAt(at));
      case "int32" -> BigDecimal.valueOf(RawMemory.intAt(at));
      case "int64" -> BigDecimal.valueOf(RawMemory.longAt(at));
      case "bool", "uint8" -> BigDecimal.valueOf(RawMemory.byteAt(at) & 0xff);
      case "uint16" -> BigDecimal.valueOf(RawMemory.shortAt(at) & 0xffff);
      case "uint32" -> BigDecimal.valueOf(RawMemory.intAt(at) & 0xffff_ffffL);
      default -> new BigDecimal(Long.toUnsignedString(RawMemory.longAt(at)));
    };
  }

  static Stream<Arguments> casts() {
    return TYPES.stream()
        .flatMap(
            from ->
                TYPES.stream()
                    .filter(to -> !to.equals(DType.BOOL) || from.equals(DType.BOOL))
                    .map(to -> Arguments.of(from, to)));
  }

  @ParameterizedTest
  @MethodSource("casts")
  void everyTypeIsPackedAsEveryOther(DType from, DType to) {
    Random random = new Random(1);
    for (int rows : new int[] {0, 1, 3, 255, 256, 257, 700}) {
      for (int k : new int[] {1, 2, 3, 5}) {
        List<DeviceArray> columns = new ArrayList<>();
        for (int c = 0; c < k; c++) {
          columns.add(column(from, rows, random));
        }
        try (DeviceArray matrix = Matrix.pack(columns, to, options)) {
          assertThat(matrix.shape()).containsExactly(rows, k);
          assertThat(matrix.dtype()).isEqualTo(to);
          CopyReason reason = from.equals(to) ? CopyReason.PACKED : CopyReason.CAST;
          assertThat(matrix.outcome())
              .isEqualTo(Outcome.copied((long) rows * k * to.itemSize(), reason));
          requireSame(matrix, columns);
        }
      }
    }
  }

  private static void requireSame(DeviceArray matrix, List<DeviceArray> columns) {
    int k = columns.size();
    for (int i = 0; i < matrix.dim(0); i++) {
      for (int c = 0; c < k; c++) {
        BigDecimal expected = value(columns.get(c), i);
        BigDecimal packed = value(matrix, (long) i * k + c);
        if (packed.compareTo(expected) != 0) {
          assertThat(packed).as("row %d of column %d", i, c).isEqualTo(expected);
        }
      }
    }
  }

  @Test
  void columnsOfDifferentTypesAreConvertedInOnePass() {
    Random random = new Random(2);
    List<DeviceArray> columns = TYPES.stream().map(type -> column(type, 300, random)).toList();
    for (DType to : List.of(DType.FLOAT32, DType.FLOAT64, DType.INT16)) {
      try (DeviceArray matrix = Matrix.pack(columns, to, options)) {
        requireSame(matrix, columns);
        assertThat(matrix.outcome().reason()).isEqualTo(CopyReason.CAST);
        assertThat(matrix.alignment()).isGreaterThanOrEqualTo(64);
      }
    }
  }

  @Test
  void stridedColumnsArePacked() {
    DeviceArray grid = column(DType.FLOAT32, 12, new Random(3));
    DeviceArray first = keep(view(grid, 0, 2));
    DeviceArray backwards = keep(view(grid, 11, -2));
    try (DeviceArray matrix = Matrix.pack(List.of(first, backwards), DType.FLOAT32, options)) {
      for (int i = 0; i < 6; i++) {
        assertThat(value(matrix, 2L * i)).isEqualTo(value(grid, 2L * i));
        assertThat(value(matrix, 2L * i + 1)).isEqualTo(value(grid, 11 - 2L * i));
      }
    }
  }

  private static DeviceArray view(DeviceArray of, long first, long step) {
    long address = of.address() + first * of.dtype().itemSize();
    return DeviceArray.from(Memory.borrow(address, of.dtype(), of.dim(0) / 2).withStrides(step));
  }

  static Stream<Arguments> refusedValues() {
    return Stream.of(
        Arguments.of(DType.INT64, 3e9, DType.INT32, "3000000000"),
        Arguments.of(DType.INT16, -1, DType.UINT8, "-1"),
        Arguments.of(DType.INT64, -1, DType.UINT64, "-1"),
        Arguments.of(DType.INT32, 256, DType.UINT8, "256"),
        Arguments.of(DType.FLOAT32, Double.NaN, DType.INT64, "NaN"),
        Arguments.of(DType.FLOAT64, 0x1p63, DType.INT64, "9.223372036854776E18"),
        Arguments.of(DType.FLOAT64, -129, DType.INT8, "-129.0"),
        Arguments.of(DType.FLOAT64, 0x1p64, DType.UINT64, "1.8446744073709552E19"));
  }

  @ParameterizedTest
  @MethodSource("refusedValues")
  void valueThatDoesNotFitIsNamed(DType from, double value, DType to, String text) {
    DeviceArray column = column(from, 600, new Random(4));
    put(column, 517, value);
    assertThatThrownBy(
            () -> Matrix.pack(List.of(column(from, 600, new Random(5)), column), to, options))
        .isInstanceOf(InterchangeException.class)
        .hasMessage(
            "Cannot cast %s in row 517 of column 1 from %s to %s: it does not fit; filter or clamp"
                    .formatted(text, from, to)
                + " the values, or use a wider type")
        .extracting(e -> ((InterchangeException) e).row())
        .isEqualTo(OptionalLong.of(517));
  }

  @Test
  void uint64BeyondTheSignedRangeKeepsItsValue() {
    DeviceArray column = array(DType.UINT64, 2);
    RawMemory.putLong(column.address(), -1);
    RawMemory.putLong(column.address() + 8, 1L << 63);
    try (DeviceArray doubles = Matrix.pack(List.of(column), DType.FLOAT64, options)) {
      assertThat(RawMemory.doubleAt(doubles.address())).isEqualTo(0x1p64);
      assertThat(RawMemory.doubleAt(doubles.address() + 8)).isEqualTo(0x1p63);
    }
    assertThatThrownBy(() -> Matrix.pack(List.of(column), DType.INT64, options))
        .hasMessageContaining("Cannot cast 18446744073709551615 in row 0");
  }

  @Test
  void whatCannotBeOneMatrixIsRefused() {
    DeviceArray three = array(DType.FLOAT32, 3);
    DeviceArray two = array(DType.FLOAT32, 2);
    DeviceArray square = array(DType.FLOAT32, 3, 3);
    DeviceArray complex = array(DType.COMPLEX64, 3);
    assertRefused(List.of(), DType.FLOAT32, "no columns: name at least one");
    assertRefused(List.of(three, two), DType.FLOAT32, "column 1 of shape [2]");
    assertRefused(List.of(square), DType.FLOAT32, "column 0 of shape [3, 3]");
    assertRefused(List.of(complex), DType.FLOAT32, "column 0 (complex64)");
    assertRefused(List.of(three), DType.BOOL, "column 0 from float32 to bool");
    assertRefused(List.of(three), DType.COMPLEX64, "the matrix (complex64)");
    assertThatThrownBy(
            () -> Matrix.pack(List.of(three), DType.FLOAT32, options.withCopy(Copy.NEVER)))
        .isInstanceOf(CopyRefusedException.class)
        .hasMessageContaining("take Matrix.columnMajor");
  }

  private void assertRefused(List<DeviceArray> columns, DType target, String message) {
    assertThatThrownBy(() -> Matrix.pack(columns, target, options))
        .isInstanceOf(InterchangeException.class)
        .hasMessageContaining(message);
  }

  @Test
  void columnsOfOneSlabAreViewedColumnMajor() {
    DeviceArray slab = column(DType.FLOAT32, 12, new Random(6));
    List<DeviceArray> columns = new ArrayList<>();
    for (int c = 0; c < 3; c++) {
      Memory part =
          Memory.borrow(slab.address() + c * 16L, DType.FLOAT32, 4)
              .withOwner(DeviceArray.from(slab)::close);
      columns.add(DeviceArray.from(part));
    }
    DeviceArray matrix = Matrix.columnMajor(columns);
    slab.close();
    columns.forEach(DeviceArray::close);
    assertThat(matrix.address()).isEqualTo(slab(matrix));
    assertThat(matrix.shape()).containsExactly(4, 3);
    assertThat(matrix.strides()).containsExactly(1, 4);
    assertThat(matrix.outcome()).isEqualTo(Outcome.zeroCopy(48));
    assertThat(allocator.getAllocatedMemory()).as("the view keeps the slab").isEqualTo(48);
    try (DeviceArray copy = matrix.contiguous(options)) {
      assertThat(value(copy, 2 * 3 + 1)).isEqualTo(value(matrix, 4 + 2));
    }
    matrix.close();
  }

  private static long slab(DeviceArray matrix) {
    return matrix.address() & -64;
  }

  @Test
  void columnsThatDoNotLieInOneSlabAreNotViewed() {
    DeviceArray slab = array(DType.FLOAT32, 16);
    DeviceArray a = keep(part(slab, DType.FLOAT32, 0));
    DeviceArray b = keep(part(slab, DType.FLOAT32, 16));
    DeviceArray far = keep(part(slab, DType.FLOAT32, 40));
    DeviceArray odd = keep(part(slab, DType.FLOAT32, 18));
    DeviceArray ints = keep(part(slab, DType.INT32, 32));
    DeviceArray strided = keep(view(slab, 0, 2));
    assertNoView(List.of(a, b, far), "column 2 lies 8 bytes off the distance of columns 0 and 1");
    assertNoView(List.of(a, odd), "column 1 lies 18 bytes behind column 0, no multiple of 4");
    assertNoView(List.of(a, b, ints), "column 2 is int32, column 0 is float32");
    assertNoView(List.of(strided), "column 0 has strides [2]");
  }

  static Stream<DType> slotTypes() {
    return Stream.of(DType.FLOAT32, DType.INT64, DType.INT8);
  }

  /** Columns as rows of slots of 8 bytes hold them: 3 rows of 2 slots. */
  @ParameterizedTest
  @MethodSource("slotTypes")
  void neighboursInRowsAreViewedWithTheStridesOfBoth(DType dtype) {
    int perSlot = 8 / dtype.itemSize();
    DeviceArray rows = array(DType.INT64, 6);
    List<DeviceArray> columns = List.of(slot(rows, dtype, 0), slot(rows, dtype, 1));
    DeviceArray matrix = Matrix.strided(columns);
    columns.forEach(DeviceArray::close);
    assertThat(matrix.address()).isEqualTo(rows.address());
    assertThat(matrix.shape()).containsExactly(3, 2);
    assertThat(matrix.strides()).containsExactly(2L * perSlot, perSlot);
    assertThat(matrix.isContiguous()).isEqualTo(perSlot == 1);
    assertThat(matrix.outcome()).isEqualTo(Outcome.zeroCopy(6L * dtype.itemSize()));
    matrix.close();
  }

  private static DeviceArray slot(DeviceArray rows, DType dtype, int slot) {
    long step = 2L * 8 / dtype.itemSize();
    return DeviceArray.from(Memory.borrow(rows.address() + 8L * slot, dtype, 3).withStrides(step));
  }

  @Test
  void columnsOfDifferentStridesAreNotViewed() {
    DeviceArray slab = array(DType.FLOAT32, 16);
    DeviceArray dense = keep(part(slab, DType.FLOAT32, 0));
    Memory second = Memory.borrow(slab.address() + 16, DType.FLOAT32, 4).withStrides(2);
    DeviceArray strided = keep(DeviceArray.from(second));
    assertThatThrownBy(() -> Matrix.strided(List.of(dense, strided)))
        .isInstanceOf(CopyRefusedException.class)
        .hasMessageContaining("column 1 has stride 2, column 0 has 1; use Matrix.pack");
  }

  private static DeviceArray part(DeviceArray slab, DType dtype, long bytes) {
    return DeviceArray.from(Memory.borrow(slab.address() + bytes, dtype, 4));
  }

  private static void assertNoView(List<DeviceArray> columns, String message) {
    assertThatThrownBy(() -> Matrix.columnMajor(columns))
        .isInstanceOf(CopyRefusedException.class)
        .hasMessageContaining(message)
        .hasMessageContaining("use Matrix.pack");
  }
}
