package io.arrowtensor.consumers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.arrowtensor.Access;
import io.arrowtensor.Copy;
import io.arrowtensor.CopyReason;
import io.arrowtensor.CopyRefusedException;
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
import java.io.ByteArrayOutputStream;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.FieldVector;
import org.bytedeco.javacpp.Loader;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Arrow's memory in TVM, which takes it only where it is contiguous and aligned to 64 bytes. */
@ExtendWith(NoLeaks.class)
class TvmTest {
  private static final Options READ_ONLY = Options.defaults().withAccess(Access.READ_ONLY);
  private static final Options ALIGNED = READ_ONLY.withAlignment(64);
  private static Tvm tvm;

  private long data;

  @BeforeAll
  static void loadTvm() {
    assumeTrue(
        Loader.getPlatform().equals("linux-x86_64"),
        "TVM is on the class path for linux-x86_64, this is " + Loader.getPlatform());
    try {
      tvm = Tvm.load();
    } catch (UnsatisfiedLinkError e) {
      assumeTrue(false, e.getMessage() + "; TVM needs libOpenCL.so.1 (ocl-icd-libopencl1)");
    }
  }

  @BeforeEach
  void allocate() {
    data = Native.allocate(256, 64);
    for (int i = 0; i < 64; i++) {
      DlpackStruct.buffer(data, 256).putInt(4 * i, i);
    }
  }

  @AfterEach
  void free() {
    Native.free(data);
  }

  /**
   * For matrices without columns TVM expects strides of 0, which it computes, and refuses others.
   */
  static Stream<Sample> contiguous() {
    return Sample.all().filter(sample -> !sample.isPermuted() && sample.rowSize() > 0);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("contiguous")
  void tvmReadsEveryType(Sample sample, BufferAllocator allocator) {
    assumeTrue(sample.isSupported(), "this Arrow has no vector for " + sample);
    Options options = sample.options().withAccess(Access.READ_ONLY).withAlignment(64);
    try (FieldVector vector = Columns.random(sample.field(), 37, NullsAt.NOWHERE, 5, allocator);
        DeviceArray array = DeviceArray.from(Vectors.view(vector), options)) {
      long tensor = tvm.fromDlpack(Dlpack.exportUnversioned(array, READ_ONLY));
      DlpackStruct seen = DlpackStruct.unversioned(tensor);
      assertThat(seen.data()).isEqualTo(array.address());
      assertThat(seen.shape()).isEqualTo(sample.shape(37));
      assertThat(tvm.bytes(tensor, (int) array.nbytes()))
          .isEqualTo(expected(sample, vector, array.shape()));
      tvm.free(tensor);
    }
  }

  private static byte[] expected(Sample sample, FieldVector vector, long[] shape) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    Elements.forEach(
        shape,
        index ->
            bytes.writeBytes(
                Columns.bytesOf(
                    Columns.element(vector, sample.arrowIndex(index)),
                    sample.leaf().getType(),
                    sample.dtype().itemSize())));
    return bytes.toByteArray();
  }

  @ParameterizedTest
  @ValueSource(ints = {4, 8, 16, 32, 68})
  void unalignedMemoryIsRefusedByTvmAndCopiedWhenAlignmentIsAskedFor(int offset) {
    AtomicInteger released = new AtomicInteger();
    Memory memory = ints(offset, released);
    try (DeviceArray array = DeviceArray.from(memory)) {
      long unaligned = Dlpack.exportUnversioned(array, READ_ONLY);
      assertThatThrownBy(() -> tvm.fromDlpack(unaligned))
          .hasMessageContaining("Data in DLManagedTensor is not aligned as required by NDArray");
      Dlpack.deleteUnversioned(unaligned);
      assertThatThrownBy(() -> DeviceArray.from(array, ALIGNED.withCopy(Copy.NEVER)))
          .isInstanceOf(CopyRefusedException.class)
          .hasMessageContaining("a copy is needed (ALIGNMENT)");
      try (DeviceArray aligned = DeviceArray.from(array, ALIGNED)) {
        assertThat(aligned.outcome()).isEqualTo(Outcome.copied(40, CopyReason.ALIGNMENT));
        long tensor = tvm.fromDlpack(Dlpack.exportUnversioned(aligned, READ_ONLY));
        assertThat(DlpackStruct.unversioned(tensor).data()).isEqualTo(aligned.address());
        assertThat(tvm.bytes(tensor, 40)).isEqualTo(Elements.read(data + offset, 40));
        tvm.free(tensor);
      }
    }
    assertThat(released).hasValue(1);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 64, 128})
  void alignedMemoryIsSharedUntilTvmFreesIt(int offset) {
    AtomicInteger released = new AtomicInteger();
    long tensor;
    try (DeviceArray array = DeviceArray.from(ints(offset, released), ALIGNED)) {
      assertThat(array.outcome()).isEqualTo(Outcome.zeroCopy(40));
      tensor = tvm.fromDlpack(Dlpack.exportUnversioned(array, ALIGNED));
    }
    assertThat(DlpackStruct.unversioned(tensor).data()).isEqualTo(data + offset);
    assertThat(tvm.bytes(tensor, 40)).isEqualTo(Elements.read(data + offset, 40));
    assertThat(released).as("releases while TVM holds the memory").hasValue(0);
    tvm.free(tensor);
    assertThat(released).hasValue(1);
  }

  @Test
  void stridesAreRefusedByTvmAndStraightenedWhenAskedFor() {
    Memory transposed =
        Memory.borrow(data, DType.INT32, 4, 16).withStrides(1, 4).withReadOnly(false);
    try (DeviceArray array = DeviceArray.from(transposed);
        DeviceArray straight = array.contiguous(Options.defaults())) {
      long strided = Dlpack.exportUnversioned(array, Options.defaults());
      assertThatThrownBy(() -> tvm.fromDlpack(strided))
          .hasMessageContaining("DLManagedTensor must be contiguous");
      Dlpack.deleteUnversioned(strided);
      assertThat(straight.outcome()).isEqualTo(Outcome.copied(256, CopyReason.NOT_CONTIGUOUS));
      long tensor = tvm.fromDlpack(Dlpack.exportUnversioned(straight, Options.defaults()));
      DlpackStruct.buffer(data, 256).putInt(0, -1);
      byte[] rows = tvm.bytes(tensor, 256);
      assertThat(java.nio.ByteBuffer.wrap(rows).order(java.nio.ByteOrder.nativeOrder()).getInt(4))
          .as("row 0, column 1")
          .isEqualTo(4);
      tvm.free(tensor);
    }
  }

  @Test
  void arraysOfTvmComeBackToArrowAsTheSameMemory(BufferAllocator allocator) {
    AtomicInteger released = new AtomicInteger();
    long tensor = tvm.fromDlpack(Dlpack.exportUnversioned(ints(64, released), ALIGNED));
    DeviceArray array = DeviceArray.from(Dlpack.takeUnversioned(tvm.toDlpack(tensor)));
    tvm.free(tensor);
    try (array;
        FieldVector vector = Vectors.wrap(array, "n", allocator)) {
      assertThat(vector.getDataBufferAddress()).isEqualTo(data + 64);
      assertThat(vector.getObject(9)).isEqualTo(25);
      assertThat(released).as("releases while Arrow holds TVM's struct").hasValue(0);
    }
    assertThat(released).hasValue(1);
  }

  /** Ten numbers behind {@code offset} bytes of the test's memory. */
  private Memory ints(int offset, AtomicInteger released) {
    return Memory.borrow(data + offset, DType.INT32, 10)
        .withOwner((Runnable) released::incrementAndGet);
  }
}
