package io.arrowtensor.dlpack;

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
import io.arrowtensor.TypeCode;
import io.arrowtensor.UnsupportedTypeException;
import io.arrowtensor.arrow.Vectors;
import io.arrowtensor.testing.Columns;
import io.arrowtensor.testing.Columns.NullsAt;
import io.arrowtensor.testing.DlpackStruct;
import io.arrowtensor.testing.Elements;
import io.arrowtensor.testing.NoLeaks;
import io.arrowtensor.testing.Sample;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.complex.FixedSizeListVector;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Every type through both struct layouts, shared and copied, and back into a vector. What the
 * struct says is read by offsets of the test's own.
 */
@ExtendWith(NoLeaks.class)
class ExportTest {
  private static final int[][] SLICES = {{0, 0, 0}, {1, 0, 1}, {37, 0, 37}, {37, 3, 21}};

  static Stream<Arguments> cases() {
    return Sample.all()
        .flatMap(
            sample ->
                Arrays.stream(Copy.values())
                    .flatMap(
                        copy ->
                            Stream.of(true, false)
                                .map(versioned -> Arguments.of(sample, copy, versioned))));
  }

  @ParameterizedTest(name = "{0}, {1}, versioned {2}")
  @MethodSource("cases")
  void structsDescribeTheVectorAndComeBackAsOne(
      Sample sample, Copy copy, boolean versioned, BufferAllocator allocator) {
    assumeTrue(sample.isSupported(), "this Arrow has no vector for " + sample);
    for (int[] slice : SLICES) {
      for (Access access : new Access[] {Access.AS_SOURCE, Access.READ_ONLY}) {
        String name = Arrays.toString(slice) + " " + access;
        try (FieldVector whole =
                Columns.random(sample.field(), slice[0], NullsAt.NOWHERE, 5, allocator);
            FieldVector vector = Columns.slice(whole, slice[1], slice[2], allocator)) {
          new Case(sample, vector, copy, versioned, access, name).check(allocator);
        }
      }
    }
  }

  private record Case(
      Sample sample, FieldVector vector, Copy copy, boolean versioned, Access access, String name) {

    void check(BufferAllocator allocator) {
      Options options = sample.options().withCopy(copy).withAccess(access);
      String refusal = refusal();
      if (refusal != null) {
        assertThatThrownBy(() -> export(options))
            .as(name)
            .isInstanceOf(CopyRefusedException.class)
            .hasMessageStartingWith(refusal);
        return;
      }
      long address = export(options);
      DlpackStruct struct = DlpackStruct.at(address, versioned);
      checkStruct(struct);
      try (DeviceArray array =
          DeviceArray.from(versioned ? Dlpack.take(address) : Dlpack.takeUnversioned(address))) {
        assertThat(array.isReadOnly()).as(name).isEqualTo(!versioned || !isWritable());
        assertThat(array.outcome()).as(name).isEqualTo(Outcome.zeroCopy(array.nbytes()));
        checkElements(array);
        checkWrapped(array, allocator);
      }
    }

    private long export(Options options) {
      return versioned
          ? Dlpack.export(Vectors.view(vector), options)
          : Dlpack.exportUnversioned(Vectors.view(vector), options);
    }

    private boolean isCopied() {
      return copy == Copy.ALWAYS || sample.isBitPacked();
    }

    private boolean isWritable() {
      return isCopied() && access != Access.READ_ONLY;
    }

    private String refusal() {
      if (copy == Copy.NEVER && sample.isBitPacked()) {
        return "Cannot share column 'column': a copy is needed (BIT_PACKED)";
      }
      return !versioned && !isWritable() && access != Access.READ_ONLY
          ? "Cannot export read-only memory as an unversioned DLPack struct"
          : null;
    }

    private void checkStruct(DlpackStruct struct) {
      DType dtype = sample.dtype();
      long[] shape = sample.shape(vector.getValueCount());
      if (versioned) {
        assertThat(struct.major()).as(name).isEqualTo(1);
        assertThat(struct.minor()).as(name).isEqualTo(3);
        assertThat(struct.flags())
            .as("flags, %s", name)
            .isEqualTo((isWritable() ? 0 : 1) | (isCopied() ? 2 : 0));
      }
      assertThat(struct.deleter()).as(name).isNotZero();
      assertThat(struct.deviceType()).as(name).isEqualTo(1);
      assertThat(struct.deviceId()).as(name).isZero();
      assertThat(struct.dtype())
          .as(name)
          .isEqualTo(dtype.code().code() + "," + dtype.bits() + "," + dtype.lanes());
      assertThat(struct.shape()).as(name).isEqualTo(shape);
      assertThat(struct.byteOffset()).as(name).isZero();
      boolean empty = Arrays.stream(shape).anyMatch(dim -> dim == 0);
      if (empty || !isCopied()) {
        assertThat(struct.data()).as("data, %s", name).isEqualTo(empty ? 0 : leafAddress());
      } else {
        assertThat(struct.data() % 64).as("alignment, %s", name).isZero();
      }
    }

    private void checkElements(DeviceArray array) {
      int width = array.dtype().itemSize();
      long[] strides = array.strides();
      Elements.forEach(
          array.shape(),
          index ->
              assertThat(
                      Elements.read(
                          array.address() + width * Elements.offset(index, strides), width))
                  .as("%s at %s", name, Arrays.toString(index))
                  .isEqualTo(
                      Columns.bytesOf(
                          Columns.element(vector, sample.arrowIndex(index)),
                          sample.leaf().getType(),
                          width)));
    }

    private void checkWrapped(DeviceArray array, BufferAllocator allocator) {
      Options options = Options.defaults();
      try (FieldVector back = Vectors.wrap(array, sample.field(), allocator, options)) {
        assertThat(back.getField()).as(name).isEqualTo(vector.getField());
        assertThat(back.getValueCount()).as(name).isEqualTo(vector.getValueCount());
        assertThat(back.getNullCount()).as(name).isZero();
        for (int i = 0; i < back.getValueCount(); i++) {
          assertThat(back.getObject(i)).as("%s, row %d", name, i).isEqualTo(vector.getObject(i));
        }
        boolean moved = isCopied() && sample.isPermuted(); // its copy is in logical order
        if (array.nbytes() > 0 && !sample.isBitPacked() && !moved) {
          assertThat(leafOf(back).getDataBufferAddress())
              .as("address of the vector, %s", name)
              .isEqualTo(array.address());
        }
      }
    }

    private long leafAddress() {
      return leafOf(vector).getDataBufferAddress();
    }

    private static FieldVector leafOf(FieldVector vector) {
      FieldVector leaf = vector;
      while (leaf instanceof FixedSizeListVector list) {
        leaf = list.getDataVector();
      }
      return leaf;
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void stridesAreFilledEvenWithoutElements(boolean versioned) {
    for (long[] shape : new long[][] {{}, {0}, {2, 0, 3}, {1}}) {
      Memory memory = Memory.borrow(4096, DType.INT8, shape).withReadOnly(false);
      DlpackStruct struct =
          DlpackStruct.at(
              versioned
                  ? Dlpack.export(memory)
                  : Dlpack.exportUnversioned(memory, Options.defaults()),
              versioned);
      assertThat(struct.shape()).isEqualTo(shape);
      assertThat(struct.strides()).hasSameSizeAs(shape);
      struct.delete();
    }
  }

  @Test
  void copiedIsSaidOnlyOfACopyThatNobodyElseHolds(BufferAllocator allocator) {
    Options always = Options.defaults().withCopy(Copy.ALWAYS);
    try (FieldVector vector = floats(10, allocator);
        DeviceArray copy = DeviceArray.from(Vectors.view(vector), always)) {
      assertThat(copy.outcome()).isEqualTo(Outcome.copied(40, CopyReason.REQUESTED));
      DlpackStruct shared = DlpackStruct.versioned(Dlpack.export(copy));
      assertThat(shared.flags()).as("flags of a copy that is shared").isZero();
      DlpackStruct own = DlpackStruct.versioned(Dlpack.export(copy, always));
      assertThat(own.flags()).as("flags of a copy of its own").isEqualTo(2);
      shared.delete();
      own.delete();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 4, 6})
  void bitsOfOtherTypesThanSmallFloatsAreRefused(int code) {
    AtomicInteger released = new AtomicInteger();
    Memory memory =
        Memory.borrow(4096, new DType(new TypeCode(code), 1, 1), 80)
            .withOwner((Runnable) released::incrementAndGet);
    assertThatThrownBy(() -> Dlpack.export(memory))
        .isInstanceOf(UnsupportedTypeException.class)
        .hasMessageContaining("elements of 1 bits have no defined layout");
    assertThat(released).hasValue(1);
  }

  @Test
  void structsThatNobodyTookAreDeleted(BufferAllocator allocator) {
    try (FieldVector vector = floats(10, allocator)) {
      Dlpack.delete(Dlpack.export(Vectors.view(vector)));
      Dlpack.deleteUnversioned(
          Dlpack.exportUnversioned(
              Vectors.view(vector), Options.defaults().withAccess(Access.READ_ONLY)));
    }
    assertThat(allocator.getAllocatedMemory()).isZero();
  }

  @Test
  void sourcesThatFailAreReleasedOnce() {
    AtomicInteger released = new AtomicInteger();
    Memory memory = Memory.borrow(0, DType.INT8, 5).withOwner((Runnable) released::incrementAndGet);
    assertThatThrownBy(() -> Dlpack.export(memory)).hasMessageContaining("null for an array of 5");
    assertThat(released).hasValue(1);
    Memory readOnly =
        Memory.borrow(4096, DType.INT8, 5).withOwner((Runnable) released::incrementAndGet);
    assertThatThrownBy(() -> Dlpack.exportUnversioned(readOnly, Options.defaults()))
        .hasMessageContaining("Options.withAccess(Access.READ_ONLY)");
    assertThat(released).hasValue(2);
  }

  private static FieldVector floats(int rows, BufferAllocator allocator) {
    Sample float32 =
        Sample.plain().filter(s -> s.dtype().equals(DType.FLOAT32)).findFirst().orElseThrow();
    return Columns.random(float32.field(), rows, NullsAt.NOWHERE, 1, allocator);
  }
}
