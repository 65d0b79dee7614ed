package io.arrowtensor.consumers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.arrowtensor.Access;
import io.arrowtensor.Copy;
import io.arrowtensor.DType;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;
import io.arrowtensor.Outcome;
import io.arrowtensor.arrow.Vectors;
import io.arrowtensor.dlpack.Dlpack;
import io.arrowtensor.internal.Native;
import io.arrowtensor.testing.Columns;
import io.arrowtensor.testing.Columns.NullsAt;
import io.arrowtensor.testing.DlpackStruct;
import io.arrowtensor.testing.Elements;
import io.arrowtensor.testing.NoLeaks;
import io.arrowtensor.testing.Sample;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.complex.FixedSizeListVector;
import org.apache.arrow.vector.types.pojo.Field;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.pytorch.PointerConsumer;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Arrow's memory in PyTorch and PyTorch's in Arrow. What an array holds is read by PyTorch: its
 * copy in row-major order must be the values that Arrow reads.
 */
@ExtendWith(NoLeaks.class)
class LibtorchTest {
  private static final int[][] SLICES = {{0, 0, 0}, {1, 0, 1}, {37, 0, 37}, {37, 3, 21}};

  @BeforeAll
  static void needsItsPlatform() {
    assumeTrue(
        Loader.getPlatform().equals("linux-x86_64"),
        "libtorch is on the class path for linux-x86_64, this is " + Loader.getPlatform());
  }

  static Stream<Arguments> types() {
    return Sample.all()
        .flatMap(s -> Stream.of(true, false).map(versioned -> Arguments.of(s, versioned)));
  }

  @ParameterizedTest(name = "{0}, versioned {1}")
  @MethodSource("types")
  void torchReadsEveryTypeAndSliceWhereArrowKeepsIt(
      Sample sample, boolean versioned, BufferAllocator allocator) {
    assumeTrue(sample.isSupported(), "this Arrow has no vector for " + sample);
    ScalarType type = Libtorch.typeOf(sample.dtype());
    assumeTrue(type != ScalarType.Undefined, "PyTorch has no type for " + sample.dtype());
    Options options = sample.options().withAccess(Access.READ_ONLY);
    for (int[] slice : SLICES) {
      String name = Arrays.toString(slice);
      FieldVector whole = Columns.random(sample.field(), slice[0], NullsAt.NOWHERE, 5, allocator);
      try (whole;
          FieldVector vector = Columns.slice(whole, slice[1], slice[2], allocator);
          Tensor tensor = fromDlpack(vector, options, versioned)) {
        assertThat(tensor.scalar_type().intern()).as(name).isEqualTo(type);
        assertThat(longs(tensor, false)).as(name).isEqualTo(sample.shape(slice[2]));
        if (tensor.numel() > 0 && !sample.isBitPacked()) {
          assertThat(tensor.data_ptr().address()).as(name).isEqualTo(leafAddress(vector));
        }
        checkElements(tensor, sample, vector, name);
      }
    }
  }

  private static Tensor fromDlpack(FieldVector vector, Options options, boolean versioned) {
    long struct =
        versioned
            ? Dlpack.export(Vectors.view(vector), options)
            : Dlpack.exportUnversioned(Vectors.view(vector), options);
    return Libtorch.fromDlpack(struct, versioned);
  }

  /** PyTorch's own copy in row-major order against what Arrow reads. */
  private static void checkElements(Tensor tensor, Sample sample, FieldVector vector, String name) {
    int width = sample.dtype().itemSize();
    long[] shape = longs(tensor, false);
    Libtorch.scoped(
        () -> {
          Tensor copy = tensor.contiguous().clone();
          long[] next = {copy.numel() == 0 ? 0 : copy.data_ptr().address()};
          Elements.forEach(
              shape,
              index -> {
                assertThat(Elements.read(next[0], width))
                    .as("%s at %s", name, Arrays.toString(index))
                    .isEqualTo(expected(sample, vector, index));
                next[0] += width;
              });
        });
  }

  /** The bytes of one element as Arrow reads it. PyTorch copies any true as 1. */
  private static byte[] expected(Sample sample, FieldVector vector, long[] index) {
    byte[] bytes =
        Columns.bytesOf(
            Columns.element(vector, sample.arrowIndex(index)),
            sample.leaf().getType(),
            sample.dtype().itemSize());
    return sample.dtype().equals(DType.BOOL) && bytes[0] != 0 ? new byte[] {1} : bytes;
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void whatTorchWritesArrowReads(boolean versioned, BufferAllocator allocator) {
    Options options = Options.defaults().withAccess(Access.WRITABLE).withCopy(Copy.NEVER);
    try (FieldVector vector = slicedMatrices(allocator);
        Tensor tensor = fromDlpack(vector, options, versioned)) {
      List<?> before = rows(vector);
      Libtorch.scoped(() -> tensor.select(0, 1).select(0, 0).select(0, 2).fill_(new Scalar(-7.0f)));
      assertThat(Columns.element(vector, 1, 0, 2)).isEqualTo(-7.0f);
      Libtorch.scoped(() -> tensor.transpose(1, 2).add_(new Scalar(1.0f)));
      Elements.forEach(
          new long[] {5, 2, 3},
          index ->
              assertThat(Columns.element(vector, index))
                  .as(Arrays.toString(index))
                  .isEqualTo(
                      Arrays.equals(index, new long[] {1, 0, 2})
                          ? -6.0f
                          : (float) element(before, index) + 1));
    }
  }

  /** PyTorch has no read-only tensors: memory that it must not write is handed to it as a copy. */
  @Test
  void torchIgnoresTheReadOnlyFlagAndACopyIsItsOwn(BufferAllocator allocator) {
    try (FieldVector vector = slicedMatrices(allocator)) {
      List<?> before = rows(vector);
      long copied = Dlpack.export(Vectors.view(vector), Options.defaults().withCopy(Copy.ALWAYS));
      assertThat(DlpackStruct.versioned(copied).flags()).as("copied").isEqualTo(2);
      Libtorch.scoped(() -> Libtorch.fromDlpack(copied, true).fill_(new Scalar(-7.0f)));
      assertThat(rows(vector)).isEqualTo(before);
      long shared = Dlpack.export(Vectors.view(vector));
      assertThat(DlpackStruct.versioned(shared).flags()).as("read-only").isEqualTo(1);
      Libtorch.scoped(() -> Libtorch.fromDlpack(shared, true).fill_(new Scalar(-7.0f)));
      assertThat(Columns.element(vector, 0, 0, 0)).isEqualTo(-7.0f);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void theLastTensorOverTheMemoryReleasesItsOwnerOnce(boolean versioned) {
    AtomicInteger released = new AtomicInteger();
    long data = Native.allocate(96, 64);
    Memory memory =
        Memory.borrow(data, DType.FLOAT32, 4, 6)
            .withReadOnly(false)
            .withOwner((Runnable) released::incrementAndGet);
    long struct =
        versioned ? Dlpack.export(memory) : Dlpack.exportUnversioned(memory, Options.defaults());
    Tensor tensor = Libtorch.fromDlpack(struct, versioned);
    Tensor view = tensor.transpose(0, 1);
    assertThat(view.data_ptr().address()).isEqualTo(data);
    tensor.close();
    assertThat(released).as("releases while a view lives").hasValue(0);
    view.close();
    assertThat(released).hasValue(1);
    Native.free(data);
  }

  static Stream<Sample> strided() {
    return Sample.all().filter(s -> s.isPermuted() || s.toString().equals("float64[2][3]"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("strided")
  void tensorsOverTheAddressOfAnArrayCloseItOnce(Sample sample, BufferAllocator allocator) {
    AtomicInteger closed = new AtomicInteger();
    try (FieldVector whole = Columns.random(sample.field(), 7, NullsAt.NOWHERE, 3, allocator);
        FieldVector vector = Columns.slice(whole, 2, 4, allocator);
        TensorOptions type = new TensorOptions(Libtorch.typeOf(sample.dtype()))) {
      DeviceArray array = DeviceArray.from(Vectors.view(vector), sample.options());
      PointerConsumer close =
          new PointerConsumer() {
            @Override
            public void call(Pointer data) {
              closed.incrementAndGet();
              array.close();
            }
          };
      Pointer data = new Libtorch.At(array.address());
      try (close;
          Tensor tensor = torch.from_blob(data, array.shape(), array.strides(), close, type)) {
        assertThat(tensor.data_ptr().address()).isEqualTo(leafAddress(vector));
        assertThat(longs(tensor, true)).isEqualTo(array.strides());
        checkElements(tensor, sample, vector, sample.toString());
        assertThat(closed).as("releases while the tensor lives").hasValue(0);
      }
      assertThat(closed).hasValue(1);
      assertThat(array.isClosed()).isTrue();
    }
  }

  /** Tensors of PyTorch's own making over 24 floats, 0 to 23. */
  static Stream<Arguments> tensors() {
    return Stream.<Arguments>of(
            layout("vector", t -> t),
            layout("matrix", t -> t.view(4, 6)),
            layout("transposed", t -> t.view(4, 6).transpose(0, 1)),
            layout("with an offset", t -> t.view(4, 6).narrow(0, 1, 2)),
            layout("columns of a matrix", t -> t.view(4, 6).narrow(1, 2, 3)),
            layout("permuted", t -> t.view(2, 3, 4).permute(2, 0, 1).narrow(0, 1, 2)),
            layout("broadcast", t -> t.narrow(0, 5, 1).expand(4)),
            layout("scalar", t -> t.select(0, 9)),
            layout("empty", t -> t.narrow(0, 3, 0)))
        .flatMap(a -> Stream.of(true, false).map(v -> Arguments.of(a.get()[0], a.get()[1], v)));
  }

  /** What PyTorch says of a tensor that is gone, but for the struct made of it. */
  private static final class Foreign {
    private long struct;
    private long[] shape;
    private long[] strides;
    private long data;
    private long first;

    void describe(UnaryOperator<Tensor> of, boolean versioned) {
      Tensor all = torch.arange(new Scalar(24.0f), new TensorOptions(ScalarType.Float));
      Tensor tensor = of.apply(all);
      shape = longs(tensor, false);
      strides = longs(tensor, true);
      if (tensor.numel() > 0) {
        data = tensor.data_ptr().address();
        first = (data - all.data_ptr().address()) / 4;
      }
      struct = versioned ? Libtorch.toDlpack(tensor) : Libtorch.toDlpackUnversioned(tensor);
    }
  }

  private static Arguments layout(String name, UnaryOperator<Tensor> of) {
    return Arguments.of(name, of);
  }

  @ParameterizedTest(name = "{0}, versioned {2}")
  @MethodSource("tensors")
  void tensorsOfTorchAreReadWhereTheyLie(
      String name, UnaryOperator<Tensor> of, boolean versioned, BufferAllocator allocator) {
    Foreign foreign = new Foreign();
    Libtorch.scoped(() -> foreign.describe(of, versioned));
    DeviceArray array =
        DeviceArray.from(
            versioned ? Dlpack.take(foreign.struct) : Dlpack.takeUnversioned(foreign.struct));
    long[] shape = foreign.shape;
    long[] strides = foreign.strides;
    try (array;
        FieldVector row = array.ndim() == 0 ? null : Vectors.wrap(array, "n", allocator)) {
      assertThat(array.shape()).isEqualTo(shape);
      assertThat(array.strides()).isEqualTo(strides);
      assertThat(array.address()).isEqualTo(foreign.data);
      assertThat(array.dtype()).isEqualTo(DType.FLOAT32);
      assertThat(array.outcome()).isEqualTo(Outcome.zeroCopy(array.nbytes()));
      assertThat(array.isReadOnly()).isEqualTo(!versioned);
      Elements.forEach(
          shape,
          index -> {
            long offset = Elements.offset(index, strides);
            assertThat(DlpackStruct.buffer(array.address() + 4 * offset, 4).getFloat(0))
                .as(Arrays.toString(index))
                .isEqualTo((float) (foreign.first + offset));
          });
      assertThat(row == null ? 1 : row.getValueCount()).isEqualTo(shape.length == 0 ? 1 : shape[0]);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void arrowsMemoryComesBackThroughTorchAsTheSame(boolean versioned, BufferAllocator allocator) {
    FieldVector vector = slicedMatrices(allocator);
    List<?> before = rows(vector);
    long address = leafAddress(vector);
    Tensor tensor = fromDlpack(vector, Options.defaults().withAccess(Access.READ_ONLY), versioned);
    Field field = vector.getField();
    vector.close();
    DeviceArray array =
        DeviceArray.from(
            versioned
                ? Dlpack.take(Libtorch.toDlpack(tensor))
                : Dlpack.takeUnversioned(Libtorch.toDlpackUnversioned(tensor)));
    tensor.close();
    long held = allocator.getAllocatedMemory();
    assertThat(held).as("bytes of the vector that PyTorch's struct holds").isPositive();
    Options never = Options.defaults().withCopy(Copy.NEVER);
    try (array;
        FieldVector back = Vectors.wrap(array, field, allocator, never)) {
      assertThat(leafAddress(back)).isEqualTo(address);
      assertThat(rows(back)).isEqualTo(before);
    }
    assertThat(allocator.getAllocatedMemory()).isZero();
  }

  /** Rows 2 to 6 of 8, each a matrix of 2 by 3 floats; the only reference to its memory. */
  private static FieldVector slicedMatrices(BufferAllocator allocator) {
    Sample matrices =
        Sample.all().filter(s -> s.toString().equals("float32[2][3]")).findFirst().orElseThrow();
    try (FieldVector whole = Columns.random(matrices.field(), 8, NullsAt.NOWHERE, 9, allocator)) {
      return Columns.slice(whole, 2, 5, allocator);
    }
  }

  private static List<?> rows(FieldVector vector) {
    return IntStream.range(0, vector.getValueCount()).mapToObj(vector::getObject).toList();
  }

  private static Object element(List<?> rows, long[] index) {
    Object value = rows;
    for (long i : index) {
      value = ((List<?>) value).get((int) i);
    }
    return value;
  }

  private static long leafAddress(FieldVector vector) {
    FieldVector leaf = vector;
    while (leaf instanceof FixedSizeListVector list) {
      leaf = list.getDataVector();
    }
    return leaf.getDataBufferAddress();
  }

  private static long[] longs(Tensor tensor, boolean strides) {
    long[] values = new long[(int) tensor.dim()];
    for (int d = 0; d < values.length; d++) {
      values[d] = strides ? tensor.stride(d) : tensor.size(d);
    }
    return values;
  }
}
