package io.arrowtensor.arrow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.arrowtensor.Access;
import io.arrowtensor.Copy;
import io.arrowtensor.CopyRefusedException;
import io.arrowtensor.DType;
import io.arrowtensor.Device;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceMismatchException;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.InvalidStructException;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;
import io.arrowtensor.TypeCode;
import io.arrowtensor.UnsupportedTypeException;
import io.arrowtensor.internal.Native;
import io.arrowtensor.internal.NativeLibrary;
import io.arrowtensor.testing.DlpackStruct;
import io.arrowtensor.testing.NoLeaks;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.BaseFixedWidthVector;
import org.apache.arrow.vector.BitVector;
import org.apache.arrow.vector.DateDayVector;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.IntVector;
import org.apache.arrow.vector.TimeStampMicroVector;
import org.apache.arrow.vector.complex.FixedSizeListVector;
import org.apache.arrow.vector.types.DateUnit;
import org.apache.arrow.vector.types.TimeUnit;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.FieldType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Vectors over arrays of int32 elements that hold their own index. */
@ExtendWith(NoLeaks.class)
class WrapTest {
  private static final int ELEMENTS = 1000;
  private static final Options DEFAULTS = Options.defaults();

  private final AtomicInteger released = new AtomicInteger();
  private long data;

  @BeforeEach
  void fill() {
    NativeLibrary.require();
    data = Native.allocate(4L * ELEMENTS, 64);
    for (int i = 0; i < ELEMENTS; i++) {
      DlpackStruct.buffer(data + 4L * i, 4).putInt(0, i);
    }
  }

  @AfterEach
  void free() {
    Native.free(data);
  }

  private Memory ints(long... shape) {
    return Memory.borrow(data, DType.INT32, shape)
        .withReadOnly(false)
        .withOwner((Runnable) released::incrementAndGet);
  }

  @Test
  void rowsOfSeveralDimensionsBecomeATensor(BufferAllocator allocator) {
    try (DeviceArray array = DeviceArray.from(ints(4, 2, 3).withDimNames(List.of("n", "h", "w")));
        FieldVector vector = Vectors.wrap(array, "t", allocator)) {
      assertThat(vector.getField().getMetadata())
          .containsEntry("ARROW:extension:name", "arrow.fixed_shape_tensor")
          .containsEntry(
              "ARROW:extension:metadata", "{\"shape\":[2,3],\"dim_names\":[\"h\",\"w\"]}");
      assertThat(elementsOf(vector).getDataBufferAddress()).isEqualTo(data);
      assertThat(vector.getObject(3)).isEqualTo(List.of(18, 19, 20, 21, 22, 23));
      try (DeviceArray back = DeviceArray.from(Vectors.view(vector))) {
        assertThat(back.shape()).containsExactly(4, 2, 3);
        assertThat(back.dimNames()).containsExactly("", "h", "w");
      }
    }
    assertThat(released).hasValue(1);
  }

  @Test
  void permutedRowsKeepTheirMemoryAndSayHowTheyLie(BufferAllocator allocator) {
    Memory hwc = ints(4, 3, 2, 5).withStrides(30, 1, 15, 3); // memory order 2, 5, 3
    try (DeviceArray array = DeviceArray.from(hwc.withDimNames(List.of("n", "c", "h", "w")));
        FieldVector vector = Vectors.wrap(array, "t", allocator)) {
      assertThat(vector.getField().getMetadata())
          .containsEntry(
              "ARROW:extension:metadata",
              "{\"shape\":[2,5,3],\"permutation\":[2,0,1],\"dim_names\":[\"h\",\"w\",\"c\"]}");
      assertThat(elementsOf(vector).getDataBufferAddress()).isEqualTo(data);
      try (DeviceArray back = DeviceArray.from(Vectors.view(vector))) {
        assertThat(back.shape()).isEqualTo(array.shape());
        assertThat(back.strides()).isEqualTo(array.strides());
        assertThat(back.dimNames()).containsExactly("", "c", "h", "w");
        assertThat(back.outcome().isZeroCopy()).isTrue();
      }
    }
  }

  @Test
  void dimensionsOfSizeOneMakeNoPermutation(BufferAllocator allocator) {
    try (DeviceArray array = DeviceArray.from(ints(4, 3, 1).withStrides(3, 1, 999));
        FieldVector vector = Vectors.wrap(array, "t", allocator)) {
      assertThat(vector.getField().getMetadata())
          .containsEntry("ARROW:extension:metadata", "{\"shape\":[3,1]}");
    }
  }

  @Test
  void rowsThatAreNotOutermostAreCopied(BufferAllocator allocator) {
    try (DeviceArray array = DeviceArray.from(ints(4, 3).withStrides(1, 4))) {
      Field field = Vectors.tensorField("t", array);
      assertThatThrownBy(() -> Vectors.wrap(array, field, allocator, DEFAULTS.withCopy(Copy.NEVER)))
          .isInstanceOf(CopyRefusedException.class)
          .hasMessageContaining("NOT_CONTIGUOUS");
      try (FieldVector vector = Vectors.wrap(array, field, allocator, DEFAULTS)) {
        assertThat(vector.getObject(1)).isEqualTo(List.of(1, 5, 9));
      }
    }
  }

  @Test
  void nestedListsHoldTheSameRows(BufferAllocator allocator) {
    try (DeviceArray array = DeviceArray.from(ints(2, 2, 1, 3));
        FieldVector vector =
            Vectors.wrap(array, Vectors.listField("t", array), allocator, DEFAULTS)) {
      assertThat(vector.getField().getMetadata()).isEmpty();
      assertThat(vector.getObject(1))
          .isEqualTo(List.of(List.of(List.of(6, 7, 8)), List.of(List.of(9, 10, 11))));
      assertThat(elementsOf(vector).getDataBufferAddress()).isEqualTo(data);
    }
  }

  @Test
  void scalarsBecomeOneRow(BufferAllocator allocator) {
    try (DeviceArray array = DeviceArray.from(ints());
        FieldVector vector = Vectors.wrap(array, "t", allocator)) {
      assertThat(vector.getValueCount()).isEqualTo(1);
      assertThat(vector.getObject(0)).isEqualTo(0);
    }
  }

  @Test
  void integersBecomeDatesAndTimesThatTheyStandFor(BufferAllocator allocator) {
    Field date = field("d", new ArrowType.Date(DateUnit.DAY));
    Field time = field("t", new ArrowType.Timestamp(TimeUnit.MICROSECOND, null));
    Memory longs = Memory.borrow(data, DType.INT64, 10);
    try (FieldVector days = Vectors.wrap(ints(10), date, allocator, DEFAULTS);
        FieldVector times = Vectors.wrap(longs, time, allocator, DEFAULTS)) {
      assertThat(((DateDayVector) days).get(3)).isEqualTo(3);
      assertThat(((TimeStampMicroVector) times).get(0)).isEqualTo(1L << 32);
      assertThat(days.getDataBufferAddress()).isEqualTo(data);
    }
  }

  @Test
  void bitsAreACopyThatCanBeForbidden(BufferAllocator allocator) {
    Field bits = field("b", new ArrowType.Bool());
    Memory bools = Memory.borrow(data, DType.BOOL, 37);
    assertThatThrownBy(() -> Vectors.wrap(bools, bits, allocator, DEFAULTS.withCopy(Copy.NEVER)))
        .isInstanceOf(CopyRefusedException.class)
        .hasMessageContaining("BIT_PACKED");
    try (FieldVector vector = Vectors.wrap(bools, bits, allocator, DEFAULTS)) {
      for (int i = 0; i < 37; i++) {
        boolean expected = DlpackStruct.buffer(data + i, 1).get(0) != 0;
        assertThat(((BitVector) vector).getObject(i)).as("row %d", i).isEqualTo(expected);
      }
    }
  }

  @Test
  void onlyWritableVectorsHaveABitmapOfTheirOwn(BufferAllocator allocator) {
    assumeTrue(sharesBitmaps(allocator), "this Arrow copies the bitmap of every vector it loads");
    Field field = field("n", new ArrowType.Int(32, true));
    Options writable = DEFAULTS.withAccess(Access.WRITABLE);
    try (FieldVector first = Vectors.wrap(ints(10), field, allocator, DEFAULTS);
        FieldVector second = Vectors.wrap(ints(10), field, allocator, DEFAULTS);
        FieldVector own = Vectors.wrap(ints(10), field, allocator, writable)) {
      assertThat(first.getValidityBufferAddress()).isEqualTo(second.getValidityBufferAddress());
      assertThat(own.getValidityBufferAddress()).isNotEqualTo(first.getValidityBufferAddress());
      assertThat(own.getDataBufferAddress()).isEqualTo(data);
      ((IntVector) own).setNull(3);
      assertThat(own.getNullCount()).isEqualTo(1);
      assertThat(first.getNullCount()).isZero();
    }
    assertThat(released).hasValue(3);
  }

  private boolean sharesBitmaps(BufferAllocator allocator) {
    Memory memory = Memory.borrow(data, DType.INT32, 10);
    Field field = field("n", new ArrowType.Int(32, true));
    try (FieldVector vector = Vectors.wrap(memory, field, allocator, DEFAULTS)) {
      return vector.getValidityBuffer().getReferenceManager()
          == org.apache.arrow.memory.ReferenceManager.NO_OP;
    }
  }

  @Test
  void memoryOfTheSameRootIsChargedOnce(BufferAllocator allocator) {
    try (BufferAllocator child = allocator.newChildAllocator("child", 0, Long.MAX_VALUE);
        IntVector vector = new IntVector("n", child)) {
      vector.allocateNew(1000);
      vector.setValueCount(1000);
      for (int i = 0; i < 1000; i++) {
        vector.set(i, i);
      }
      long before = allocator.getAllocatedMemory();
      try (DeviceArray array = DeviceArray.from(Vectors.view(vector));
          FieldVector back = Vectors.wrap(array, "n", child)) {
        assertThat(back.getDataBufferAddress()).isEqualTo(vector.getDataBufferAddress());
        long bitmap = back.getValidityBuffer().capacity();
        assertThat(allocator.getAllocatedMemory() - before).isLessThanOrEqualTo(2 * bitmap);
      }
    }
  }

  static Stream<Arguments> refusals() {
    Field int32 = field("n", new ArrowType.Int(32, true));
    String fit = "Cannot make a vector of field";
    return Stream.of(
        refusal("other type", new long[] {4}, field("n", new ArrowType.Int(64, true)), fit),
        refusal(
            "signed as unsigned", new long[] {4}, field("n", new ArrowType.Int(32, false)), fit),
        refusal("more dimensions", new long[] {4, 2}, int32, fit),
        refusal("fewer dimensions", new long[] {6}, lists(int32, 3), fit),
        refusal("other list size", new long[] {4, 2}, lists(int32, 3), fit),
        refusal("transposed lists", new long[] {4, 3, 2}, lists(int32, 2, 3), fit),
        refusal("split lists", new long[] {4, 6}, lists(int32, 2, 3), fit),
        refusal("transposed tensor", new long[] {4, 3, 2}, tensor(int32, 6, "[2,3]"), fit),
        refusal("tensor's size", new long[] {4, 6}, tensor(int32, 6, "[2,4]"), "holds 8 elements"),
        refusal("strings", new long[] {4}, field("n", new ArrowType.Utf8()), "tensors have no"),
        refusal("too many", new long[] {1L << 31}, int32, "Cannot hold 2147483648 values"),
        refusal("too many rows", new long[] {1L << 40, 0}, lists(int32, 0), "1099511627776"),
        refusal(
            "too many lists",
            new long[] {1 << 20, 1 << 20, 0},
            lists(int32, 1 << 20, 0),
            "Cannot hold 1099511627776 values"));
  }

  private static Arguments refusal(String name, long[] shape, Field field, String says) {
    return Arguments.of(name, shape, field, says);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("refusals")
  void arraysThatDoNotFitAreRefusedAndReleased(
      String name, long[] shape, Field field, String says, BufferAllocator allocator) {
    assertThatThrownBy(() -> Vectors.wrap(ints(shape), field, allocator, DEFAULTS))
        .as(name)
        .isInstanceOf(InterchangeException.class)
        .hasMessageContaining(says);
    assertThat(released).hasValue(1);
    assertThat(allocator.getAllocatedMemory()).isZero();
  }

  @Test
  void rowsOfTooManyElementsHaveNoField() {
    long[] shape = {0, 1L << 31};
    try (DeviceArray array = DeviceArray.from(Memory.borrow(0, DType.INT8, shape))) {
      assertThatThrownBy(() -> Vectors.tensorField("t", array))
          .isInstanceOf(UnsupportedTypeException.class)
          .hasMessage(
              "Cannot hold rows of 2147483648 elements in a fixed-size list: the limit is 2^31 - 1");
    }
  }

  @Test
  void packedElementsHaveNoField() {
    DType float4 = new DType(TypeCode.FLOAT4_E2M1FN, 4, 1);
    try (DeviceArray array = DeviceArray.from(Memory.borrow(data, float4, 10))) {
      assertThatThrownBy(() -> Vectors.listField("t", array))
          .isInstanceOf(UnsupportedTypeException.class)
          .hasMessageContaining("its elements do not take whole bytes");
    }
  }

  @Test
  void memoryOfADeviceIsNoVector(BufferAllocator allocator) {
    Field field = field("n", new ArrowType.Int(32, true));
    assertThatThrownBy(
            () -> Vectors.wrap(ints(4).withDevice(Device.cuda(0)), field, allocator, DEFAULTS))
        .isInstanceOf(DeviceMismatchException.class)
        .hasMessageContaining("cuda:0");
    assertThat(released).hasValue(1);
  }

  static Stream<String> brokenMetadata() {
    return Stream.of(
        "",
        "null",
        "7",
        "[",
        "{}",
        "{\"shape\":3}",
        "{\"shape\":[\"3\"]}",
        "{\"shape\":[3.0]}",
        "{\"shape\":[-1,-3]}",
        "{\"shape\":[4294967296,4294967296]}",
        "{\"shape\":[9e99]}",
        "{\"shape\":[3],\"permutation\":[1]}",
        "{\"shape\":[3],\"permutation\":[0,0]}",
        "{\"shape\":[3,1],\"permutation\":[0,0]}",
        "{\"shape\":[3,1],\"permutation\":[1.5,0]}",
        "{\"shape\":[3],\"permutation\":\"0\"}",
        "{\"shape\":[3],\"permutation\":[\"0\"]}",
        "{\"shape\":[3],\"dim_names\":[]x}",
        "{\"shape\":[3],\"dim_names\":[\"a\",\"b\"]}",
        "{\"shape\":[3],\"dim_names\":[1]}",
        "{\"shape\":[3],\"dim_names\":{\"a\":\"b\"}}");
  }

  @ParameterizedTest
  @MethodSource("brokenMetadata")
  void brokenTensorMetadataIsRefused(String json, BufferAllocator allocator) {
    Field field = tensor(field("x", new ArrowType.Int(32, true)), 3, json, true);
    assertThatThrownBy(() -> Vectors.wrap(ints(4, 3), field, allocator, DEFAULTS))
        .isInstanceOf(InvalidStructException.class)
        .hasMessageStartingWith("Invalid metadata of arrow.fixed_shape_tensor: ")
        .hasMessageEndingWith(": " + json);
    assertThat(released).hasValue(1);
    try (FieldVector vector = field.createVector(allocator)) {
      assertThatThrownBy(() -> DeviceArray.from(Vectors.view(vector)))
          .isInstanceOf(InvalidStructException.class);
    }
  }

  private static BaseFixedWidthVector elementsOf(FieldVector vector) {
    FieldVector leaf = vector;
    while (leaf instanceof FixedSizeListVector list) {
      leaf = list.getDataVector();
    }
    return (BaseFixedWidthVector) leaf;
  }

  private static Field field(String name, ArrowType type) {
    return new Field(name, FieldType.nullable(type), null);
  }

  private static Field lists(Field element, int... sizes) {
    Field field = element;
    for (int d = sizes.length - 1; d >= 0; d--) {
      ArrowType list = new ArrowType.FixedSizeList(sizes[d]);
      field = new Field("t", FieldType.nullable(list), List.of(field));
    }
    return field;
  }

  private static Field tensor(Field element, int size, String shape) {
    return tensor(element, size, "{\"shape\":" + shape + "}", true);
  }

  private static Field tensor(Field element, int size, String metadata, boolean nullable) {
    Map<String, String> extension =
        Map.of(
            "ARROW:extension:name",
            "arrow.fixed_shape_tensor",
            "ARROW:extension:metadata",
            metadata);
    ArrowType list = new ArrowType.FixedSizeList(size);
    return new Field("t", new FieldType(nullable, list, null, extension), List.of(element));
  }
}
