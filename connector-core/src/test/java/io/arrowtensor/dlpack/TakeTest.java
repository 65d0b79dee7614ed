package io.arrowtensor.dlpack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.Copy;
import io.arrowtensor.CopyReason;
import io.arrowtensor.CopyRefusedException;
import io.arrowtensor.DType;
import io.arrowtensor.Device;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceType;
import io.arrowtensor.InvalidStructException;
import io.arrowtensor.Options;
import io.arrowtensor.Outcome;
import io.arrowtensor.TypeCode;
import io.arrowtensor.testing.DlpackStruct;
import io.arrowtensor.testing.Elements;
import io.arrowtensor.testing.NoLeaks;
import java.util.Arrays;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Structs of foreign producers, sound and broken; whatever they hold, the deleter runs once. */
@ExtendWith(NoLeaks.class)
class TakeTest {

  /** Shape, strides (null for none), first element. */
  static Stream<Arguments> layouts() {
    return Stream.of(
            layout(new long[] {1000}, null, 0),
            layout(new long[] {990}, null, 10),
            layout(new long[] {10, 100}, null, 0),
            layout(new long[] {10, 100}, new long[] {100, 1}, 0),
            layout(new long[] {100, 10}, new long[] {1, 100}, 0),
            layout(new long[] {7, 5, 3}, new long[] {15, 3, 1}, 2),
            layout(new long[] {3, 7, 5}, new long[] {1, 15, 3}, 0),
            layout(new long[] {5, 3, 7}, new long[] {3, 1, 15}, 4),
            layout(new long[] {1000}, new long[] {-1}, 999),
            layout(new long[] {10, 100}, new long[] {-100, 1}, 900),
            layout(new long[] {10, 100}, new long[] {-100, -1}, 999),
            layout(new long[] {6}, new long[] {0}, 7),
            layout(new long[] {6, 4}, new long[] {0, 2}, 7),
            layout(new long[] {4, 6}, new long[] {2, 0}, 7),
            layout(new long[] {50, 2}, new long[] {20, 3}, 0),
            layout(new long[] {50, 3}, new long[] {20, 1}, 0),
            layout(new long[] {4, 1, 6}, new long[] {6, 77, 1}, 0),
            layout(new long[] {1, 1}, new long[] {-5, 9}, 3),
            layout(new long[] {}, null, 5),
            layout(new long[] {}, new long[] {}, 5),
            layout(new long[] {0}, null, 0),
            layout(new long[] {3, 0, 2}, new long[] {9, 9, 9}, 0),
            layout(new long[] {1L << 40, 1L << 40, 0}, null, 0),
            layout(new long[64], null, 0))
        .flatMap(
            layout ->
                Stream.of(true, false)
                    .map(
                        versioned ->
                            Arguments.of(
                                versioned, layout.get()[0], layout.get()[1], layout.get()[2])));
  }

  private static Arguments layout(long[] shape, long[] strides, int first) {
    return Arguments.of(shape, strides, first);
  }

  @ParameterizedTest(name = "versioned {0}, shape {1}, strides {2}, first {3}")
  @MethodSource("layouts")
  void everyLayoutIsReadWhereItLies(boolean versioned, long[] shape, long[] strides, int first) {
    try (ForeignTensor foreign = new ForeignTensor(versioned)) {
      describe(foreign, shape, strides, first);
      long[] expected = strides == null ? rowMajor(shape) : strides;
      try (DeviceArray array = DeviceArray.from(foreign.take())) {
        assertThat(array.shape()).isEqualTo(shape);
        assertThat(array.strides()).isEqualTo(expected);
        long data = array.size() == 0 ? 0 : foreign.data() + 4L * first;
        assertThat(array.address()).isEqualTo(data);
        assertThat(array.byteOffset()).as("byte offset, folded into the address").isZero();
        assertThat(array.dtype()).isEqualTo(DType.INT32);
        assertThat(array.device()).isEqualTo(Device.CPU);
        assertThat(array.isReadOnly()).isEqualTo(!versioned);
        assertThat(array.outcome()).isEqualTo(Outcome.zeroCopy(array.size() * 4));
        checkElements(array, expected, first);
        assertThat(foreign.deleter().calls()).as("deleter while the array is open").isZero();
      }
      assertThat(foreign.deleter().calls()).as("deleter").isEqualTo(1);
      assertThat(foreign.deleter().lastArgument()).isEqualTo(foreign.address());
    }
  }

  @ParameterizedTest(name = "versioned {0}, shape {1}, strides {2}, first {3}")
  @MethodSource("layouts")
  void everyLayoutIsCopiedIntoRowMajorOrder(
      boolean versioned, long[] shape, long[] strides, int first) {
    try (ForeignTensor foreign = new ForeignTensor(versioned)) {
      describe(foreign, shape, strides, first);
      long[] source = strides == null ? rowMajor(shape) : strides;
      try (DeviceArray array =
          DeviceArray.from(foreign.take(), Options.defaults().withCopy(Copy.ALWAYS))) {
        assertThat(foreign.deleter().calls()).as("deleter after the copy").isEqualTo(1);
        assertThat(array.outcome())
            .isEqualTo(Outcome.copied(array.size() * 4, CopyReason.REQUESTED));
        assertThat(array.isContiguous()).isTrue();
        assertThat(array.isReadOnly()).isFalse();
        assertThat(array.alignment()).isGreaterThanOrEqualTo(64);
        Elements.forEach(
            shape.clone(),
            index ->
                assertThat(intAt(array.address(), Elements.offset(index, rowMajor(shape))))
                    .as(Arrays.toString(index))
                    .isEqualTo(first + (int) Elements.offset(index, source)));
      }
      assertThat(foreign.deleter().calls()).as("deleter").isEqualTo(1);
    }
  }

  @Test
  void contiguousSharesWhatIsStraightAndCopiesTheRest() {
    try (ForeignTensor foreign = new ForeignTensor(true).shape(10, 100).strides(1, 10);
        DeviceArray transposed = DeviceArray.from(foreign.take());
        DeviceArray straight = transposed.contiguous(Options.defaults());
        DeviceArray again = straight.contiguous(Options.defaults().withCopy(Copy.NEVER))) {
      assertThat(straight.outcome()).isEqualTo(Outcome.copied(4000, CopyReason.NOT_CONTIGUOUS));
      assertThat(intAt(straight.address(), 1)).isEqualTo(10);
      assertThat(again.address()).isEqualTo(straight.address());
      assertThat(again.outcome()).isEqualTo(Outcome.zeroCopy(4000));
      assertThatThrownBy(() -> transposed.contiguous(Options.defaults().withCopy(Copy.NEVER)))
          .isInstanceOf(CopyRefusedException.class)
          .hasMessage(
              "Cannot share an array of shape [10, 100] (int32): a copy is needed"
                  + " (NOT_CONTIGUOUS) and Copy.NEVER forbids it; allow it with"
                  + " Options.withCopy(Copy.IF_NEEDED)");
    }
  }

  @Test
  void minorVersionsAndFlagsOfTheFutureAreRead() {
    try (ForeignTensor foreign = new ForeignTensor(true)) {
      foreign.struct.putVersion(1, 99).putFlags(0xf0);
      try (DeviceArray array = DeviceArray.from(foreign.take())) {
        assertThat(array.isReadOnly()).isFalse();
      }
      foreign.struct.putFlags(1);
      try (DeviceArray array = DeviceArray.from(foreign.take())) {
        assertThat(array.isReadOnly()).isTrue();
      }
      assertThat(foreign.deleter().calls()).isEqualTo(2);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void withoutADeleterNothingIsCalled(boolean versioned) {
    try (ForeignTensor foreign = new ForeignTensor(versioned)) {
      foreign.struct.putDeleter(0, 0);
      DeviceArray.from(foreign.take()).close();
      assertThat(foreign.deleter().calls()).isZero();
    }
  }

  @Test
  void unknownCodesAndDevicesAreKept() {
    try (ForeignTensor foreign = new ForeignTensor(true).shape(100)) {
      foreign.struct.putDtype(200, 24, 3).putDevice(99, -7);
      try (DeviceArray array = DeviceArray.from(foreign.take())) {
        assertThat(array.dtype()).hasToString("type_code(200)24x3");
        assertThat(array.device()).hasToString("device_type(99):-7");
        DlpackStruct struct = DlpackStruct.versioned(Dlpack.export(array));
        assertThat(struct.dtype()).isEqualTo("200,24,3");
        assertThat(struct.deviceType()).isEqualTo(99);
        assertThat(struct.deviceId()).isEqualTo(-7);
        struct.delete();
      }
    }
  }

  @Test
  void memoryOnDevicesWithoutAddressesKeepsItsOffset() {
    try (ForeignTensor foreign = new ForeignTensor(true)) {
      foreign.struct.putDevice(4, 1).putData(0x77, 40);
      try (DeviceArray array = DeviceArray.from(foreign.take())) {
        assertThat(array.address()).isEqualTo(0x77);
        assertThat(array.byteOffset()).isEqualTo(40);
        assertThat(array.device()).isEqualTo(new Device(DeviceType.OPENCL, 1));
        DlpackStruct struct = DlpackStruct.versioned(Dlpack.export(array));
        assertThat(struct.data()).isEqualTo(0x77);
        assertThat(struct.byteOffset()).isEqualTo(40);
        assertThat(struct.deviceType()).isEqualTo(4);
        assertThat(struct.deviceId()).isEqualTo(1);
        struct.delete();
      }
    }
  }

  /** Elements of 4 bits, two a byte: 1000 of them take 500 bytes, not 1000. */
  @Test
  void packedElementsTakeTheirBitsAndNoMore() {
    try (ForeignTensor foreign = new ForeignTensor(true)) {
      foreign.struct.putDtype(17, 4, 1);
      try (DeviceArray array = DeviceArray.from(foreign.take())) {
        assertThat(array.dtype()).isEqualTo(new DType(TypeCode.FLOAT4_E2M1FN, 4, 1));
        assertThat(array.nbytes()).isEqualTo(500);
        assertThat(array.byteBuffer().capacity()).isEqualTo(500);
        DlpackStruct struct = DlpackStruct.versioned(Dlpack.export(array));
        assertThat(struct.dtype()).isEqualTo("17,4,1");
        assertThat(struct.data()).isEqualTo(foreign.data());
        struct.delete();
      }
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 4, 0x1001, -4})
  void addressesThatAreNoneAreRefused(long address) {
    assertThatThrownBy(() -> Dlpack.take(address))
        .isInstanceOf(InvalidStructException.class)
        .hasMessage(
            "Invalid DLPack struct address 0x"
                + Long.toHexString(address)
                + ": expected a non-null, 8-byte aligned one");
    assertThatThrownBy(() -> Dlpack.takeUnversioned(address))
        .isInstanceOf(InvalidStructException.class);
  }

  static Stream<Arguments> broken() {
    return Stream.of(
        broken("major 2", t -> t.struct.putVersion(2, 0), "Cannot read DLPack version 2.0"),
        broken("major 0", t -> t.struct.putVersion(0, 8), "Cannot read DLPack version 0.8"),
        broken("major -1", t -> t.struct.putVersion(-1, 0), "version 4294967295.0"),
        broken("ndim -1", t -> t.struct.putShape(-1, t.address(), 0), "Invalid ndim -1"),
        broken("ndim 65", t -> t.shape(new long[65]), "Invalid ndim 65"),
        broken("ndim max", t -> t.struct.putShape(Integer.MAX_VALUE, t.address(), 0), "2147483647"),
        broken("null shape", t -> t.struct.putShape(2, 0, 0), "Invalid shape", "null for 2 dim"),
        broken("null data", t -> t.struct.putData(0, 0), "null for an array of 4000 bytes"),
        broken("bits 0", t -> t.struct.putDtype(0, 0, 1), "Invalid dtype", "0 bits, 1 lanes"),
        broken("lanes 0", t -> t.struct.putDtype(0, 32, 0), "32 bits, 0 lanes"),
        broken("padded", t -> t.struct.putDtype(17, 4, 1).putFlags(4), "padded to whole bytes"),
        broken("negative", t -> t.shape(2, -1), "Invalid shape [2, -1]", "not be negative"),
        broken("elements", t -> t.shape(1L << 40, 1L << 40), "elements overflows 64 bits"),
        broken("bytes", t -> t.shape(1L << 61, 2), "size in bytes overflows 64 bits"),
        broken("bits", t -> t.shape(1L << 62).struct.putDtype(16, 6, 1), "overflows 64 bits"),
        broken("extent", t -> t.shape(3).strides(Long.MAX_VALUE), "extent overflows 64 bits"),
        broken("extent down", t -> t.shape(3).strides(Long.MIN_VALUE), "extent overflows"),
        broken("extent bytes", t -> t.shape(2).strides(1L << 61), "extent overflows 64 bits"),
        broken("below 0", t -> t.shape(2).strides(-(1L << 50)), "beyond the address space"),
        broken("above", t -> t.shape((1L << 61) - 1), "beyond the address space"),
        broken("kernel down", TakeTest::downFromTheKernel, "beyond the address space"),
        broken("kernel", t -> t.struct.putData(-4096, 0), "beyond the address space"),
        broken("offset", t -> t.struct.putData(t.data(), -1), "Invalid byte offset -1 behind"),
        broken(
            "offset max",
            t -> t.struct.putData(t.data(), Long.MAX_VALUE),
            "Invalid byte offset 9223372036854775807 behind"));
  }

  private static void downFromTheKernel(ForeignTensor tensor) {
    tensor.shape(1, Long.MAX_VALUE).strides(-1, -1).struct.putDtype(0, 8, 1).putData(-8, 0);
  }

  private static Arguments broken(String name, Consumer<ForeignTensor> breakIt, String... says) {
    return Arguments.of(name, breakIt, says);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("broken")
  void brokenStructsAreRefusedAndReleasedOnce(
      String name, Consumer<ForeignTensor> breakIt, String[] says) {
    boolean either = !name.startsWith("major") && !name.equals("padded");
    for (boolean versioned : either ? new boolean[] {true, false} : new boolean[] {true}) {
      try (ForeignTensor foreign = new ForeignTensor(versioned)) {
        breakIt.accept(foreign);
        byte[] before = foreign.bytes();
        assertThatThrownBy(foreign::take)
            .isInstanceOf(InvalidStructException.class)
            .hasMessageContainingAll(says);
        assertThat(foreign.deleter().calls()).as("deleter").isEqualTo(1);
        assertThat(foreign.deleter().lastArgument()).isEqualTo(foreign.address());
        assertThat(foreign.bytes()).as("the struct's fields").isEqualTo(before);
      }
    }
  }

  private static void describe(ForeignTensor foreign, long[] shape, long[] strides, int first) {
    foreign.shape(shape);
    if (strides != null) {
      foreign.strides(strides);
    }
    boolean empty = Arrays.stream(shape).anyMatch(dim -> dim == 0);
    // Data of an empty tensor should be null.
    foreign.struct.putData(empty ? 0 : foreign.data(), 4L * first);
  }

  private static void checkElements(DeviceArray array, long[] strides, int first) {
    Elements.forEach(
        array.shape(),
        index -> {
          long offset = Elements.offset(index, strides);
          assertThat(intAt(array.address(), offset))
              .as(Arrays.toString(index))
              .isEqualTo(first + (int) offset);
        });
  }

  private static int intAt(long address, long index) {
    return DlpackStruct.buffer(address + 4 * index, 4).getInt(0);
  }

  private static long[] rowMajor(long[] shape) {
    long[] strides = new long[shape.length];
    long step = 1;
    for (int d = shape.length - 1; d >= 0; d--) {
      strides[d] = step;
      step *= Math.max(1, shape[d]);
    }
    return strides;
  }
}
