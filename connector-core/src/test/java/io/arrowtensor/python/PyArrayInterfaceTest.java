package io.arrowtensor.python;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.arrowtensor.Copy;
import io.arrowtensor.DType;
import io.arrowtensor.Device;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceMismatchException;
import io.arrowtensor.InvalidStructException;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;
import io.arrowtensor.Outcome;
import io.arrowtensor.UnsupportedTypeException;
import io.arrowtensor.internal.NativeBytes;
import io.arrowtensor.python.NumPySays.Layout;
import io.arrowtensor.python.NumPySays.TypeNames;
import io.arrowtensor.testing.DlpackStruct;
import io.arrowtensor.testing.NoLeaks;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every type in every layout as {@code PyArrayInterface}, and back; NumPy's structs as oracle. */
@ExtendWith(NoLeaks.class)
class PyArrayInterfaceTest {
  private static final String NUMPY = "io.arrowtensor.python.NumPySays#";
  private static final int ALIGNED = 0x100;
  private static final int SOUND = 0x703;

  @ParameterizedTest(name = "{0}, {1}")
  @MethodSource(NUMPY + "cases")
  void structsSayWhatNumPysSay(TypeNames type, Layout layout) {
    try (Scratch scratch = new Scratch()) {
      long base = scratch.allocate(1024);
      long address = PyArrayInterface.export(layout.over(base, type.dtype()));
      ByteBuffer struct = DlpackStruct.buffer(address, 56);
      JsonNode said = layout.said().get("struct");
      int ndim = layout.shape().length;
      assertThat(struct.getInt(0)).isEqualTo(said.get("two").asInt());
      assertThat(struct.getInt(4)).isEqualTo(ndim);
      assertThat((char) struct.get(8)).isEqualTo(type.kind());
      assertThat(struct.getInt(12)).isEqualTo(type.itemSize());
      assertThat(struct.getInt(16)).as("flags").isEqualTo(flags(said, type));
      assertThat(longs(struct.getLong(24), ndim)).isEqualTo(layout.shape());
      assertThat(longs(struct.getLong(32), ndim)).isEqualTo(layout.strides(type.itemSize()));
      assertThat(struct.getLong(40)).isEqualTo(base + layout.start(type.itemSize()));
      assertThat(struct.getLong(48)).as("descr").isZero();
      try (DeviceArray back = DeviceArray.from(PyArrayInterface.borrow(address))) {
        requireSame(back, layout.over(base, type.dtype()));
      }
      PyArrayInterface.delete(address);
    }
  }

  /** NumPy's words on float32; elements of one byte are aligned anywhere. */
  private static int flags(JsonNode said, TypeNames type) {
    return said.get("flags").asInt() | (type.alignment() == 1 ? ALIGNED : 0);
  }

  @ParameterizedTest(name = "{0}, {1}")
  @MethodSource(NUMPY + "cases")
  void numPysStructsAreReadInPlace(TypeNames type, Layout layout) {
    try (Scratch scratch = new Scratch()) {
      long base = scratch.allocate(1024);
      long struct =
          scratch.arrayStruct(
              type.kind(),
              type.itemSize(),
              flags(layout.said().get("struct"), type),
              layout.shape(),
              layout.strides(type.itemSize()),
              base + layout.start(type.itemSize()));
      AtomicInteger released = new AtomicInteger();
      try (DeviceArray array =
          DeviceArray.from(PyArrayInterface.borrow(struct, released::incrementAndGet))) {
        requireSame(array, layout.over(base, type.dtype()));
        assertThat(released).hasValue(0);
      }
      assertThat(released).hasValue(1);
    }
  }

  private static void requireSame(DeviceArray array, Memory expected) {
    assertThat(array.address()).isEqualTo(expected.start());
    assertThat(array.dtype()).isEqualTo(expected.dtype());
    assertThat(array.shape()).isEqualTo(expected.shape());
    assertThat(array.strides()).isEqualTo(expected.strides());
    assertThat(array.isReadOnly()).isEqualTo(expected.readOnly());
    assertThat(array.device()).isEqualTo(Device.CPU);
    assertThat(array.outcome()).isEqualTo(Outcome.zeroCopy(expected.nbytes()));
  }

  private static long[] longs(long address, int count) {
    long[] values = new long[count];
    DlpackStruct.buffer(address, 8 * count).asLongBuffer().get(values);
    return values;
  }

  @ParameterizedTest
  @MethodSource(NUMPY + "refused")
  void whatTensorsDoNotHaveIsRefusedByName(JsonNode said) {
    char kind = said.get("typekind").asText().charAt(0);
    boolean swapped = said.get("typestr").asText().startsWith(">");
    try (Scratch scratch = new Scratch()) {
      long struct =
          scratch.arrayStruct(
              kind,
              said.get("itemsize").asInt(),
              said.get("flags").asInt(),
              new long[] {3},
              null,
              scratch.allocate(96));
      assertThatThrownBy(() -> DeviceArray.from(PyArrayInterface.borrow(struct)))
          .isInstanceOf(UnsupportedTypeException.class)
          .hasMessageContaining("'" + kind + said.get("itemsize").asInt() + "'")
          .hasMessageContaining(
              swapped
                  ? "without the flag NOTSWAPPED: their bytes are not in this machine's order"
                  : ArrayInterfaceTest.why(kind));
    }
  }

  static Stream<Arguments> hostile() {
    return Stream.of(
        hostile("two", s -> s.putInt(0, 3), "its first field is 3, not 2"),
        hostile("ndim", s -> s.putInt(4, 65), "Invalid ndim 65"),
        hostile("ndim", s -> s.putInt(4, -1), "Invalid ndim -1"),
        hostile("kind", s -> s.put(8, (byte) 0), "kind 0, 4 bytes"),
        hostile("kind", s -> s.put(8, (byte) -1), "kind 255, 4 bytes"),
        hostile("size", s -> s.putInt(12, 0), "kind 102, 0 bytes"),
        hostile("size", s -> s.putInt(12, -4), "kind 102, -4 bytes"),
        hostile("size", s -> s.putInt(12, 5), "'f5': they are of a kind or size"),
        hostile("shape", s -> s.putLong(24, 0), "Invalid shape in a PyArrayInterface: null for 2"),
        hostile("data", s -> s.putLong(40, 0), "null for an array of 24 bytes"),
        hostile("data", s -> s.putLong(40, -8), "would reach beyond the address space"),
        hostile("flags", s -> s.putInt(16, SOUND | 2), "Invalid flags 0x703"),
        hostile("aligned", s -> s.putLong(40, s.getLong(40) + 1), "Invalid flags 0x701"),
        hostile("dims", s -> at(s.getLong(24)).putLong(0, -2), "must not be negative"),
        hostile("dims", s -> at(s.getLong(24)).putLong(0, 1L << 62), "overflows 64 bits"),
        hostile("dims", s -> at(s.getLong(24)).putLong(0, 1L << 60), "Invalid"),
        hostile("strides", s -> at(s.getLong(32)).putLong(0, 13), "stride 13 is no multiple of"),
        hostile("strides", s -> at(s.getLong(32)).putLong(0, 16), "Invalid flags 0x701"),
        hostile(
            "strides",
            s -> at(s.getLong(32)).putLong(0, Long.MIN_VALUE),
            "the extent overflows 64 bits"));
  }

  private static Arguments hostile(String field, Consumer<ByteBuffer> change, String message) {
    return Arguments.of(field, change, message);
  }

  private static ByteBuffer at(long address) {
    return DlpackStruct.buffer(address, 16);
  }

  @ParameterizedTest(name = "{0}: {2}")
  @MethodSource("hostile")
  void contradictionsAreRefused(String field, Consumer<ByteBuffer> change, String message) {
    try (Scratch scratch = new Scratch()) {
      long data = scratch.allocate(24);
      long struct = scratch.arrayStruct('f', 4, 0x701, new long[] {2, 3}, new long[] {12, 4}, data);
      DeviceArray.from(PyArrayInterface.borrow(struct)).close();
      change.accept(DlpackStruct.buffer(struct, 56));
      AtomicInteger released = new AtomicInteger();
      assertThatThrownBy(
              () -> DeviceArray.from(PyArrayInterface.borrow(struct, released::incrementAndGet)))
          .isInstanceOfAny(InvalidStructException.class, UnsupportedTypeException.class)
          .hasMessageContaining(message);
      assertThat(released).hasValue(1);
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 4097, -1})
  void addressesWithoutAStructAreRefused(long address) {
    assertThatThrownBy(() -> DeviceArray.from(PyArrayInterface.borrow(address)))
        .isInstanceOf(InvalidStructException.class)
        .hasMessageContaining("expected a non-null, 8-byte aligned one");
  }

  @Test
  void aDescriptionThatNumPyAddedIsNotRead() {
    try (Scratch scratch = new Scratch()) {
      long struct =
          scratch.arrayStruct(
              'i', 2, 0x800 | SOUND, new long[] {3}, new long[] {2}, scratch.allocate(6));
      DlpackStruct.buffer(struct, 56).putLong(48, 1); // no address of anything
      try (DeviceArray array = DeviceArray.from(PyArrayInterface.borrow(struct))) {
        assertThat(array.dtype()).isEqualTo(DType.INT16);
      }
    }
  }

  @Test
  void structsHoldTheirMemoryUntilTheyAreDeleted() {
    long before = NativeBytes.held();
    long struct;
    try (DeviceArray array = DeviceArray.from(Memory.allocate(DType.INT32, 100))) {
      struct = PyArrayInterface.export(array);
    }
    assertThat(NativeBytes.held() - before).isEqualTo(400);
    PyArrayInterface.delete(struct);
    assertThat(NativeBytes.held() - before).isZero();
  }

  @Test
  void exportsThatFailReleaseTheirSource() {
    AtomicInteger released = new AtomicInteger();
    Memory onDevice =
        Memory.borrow(4096, DType.INT8, 8)
            .withDevice(Device.cuda(0))
            .withOwner((Runnable) released::incrementAndGet);
    assertThatThrownBy(() -> PyArrayInterface.export(onDevice))
        .isInstanceOf(DeviceMismatchException.class)
        .hasMessageContaining(
            "Cannot describe by a PyArrayInterface memory on cuda:0: the host cannot reach it");
    Memory untyped =
        Memory.borrow(4096, DType.BFLOAT16, 8).withOwner((Runnable) released::incrementAndGet);
    assertThatThrownBy(() -> PyArrayInterface.export(untyped))
        .isInstanceOf(UnsupportedTypeException.class)
        .hasMessageContaining("Cannot describe elements of bfloat16 by a PyArrayInterface");
    assertThat(released).hasValue(2);
  }

  @Test
  void copiesAreMadeWhenAskedFor() {
    try (DeviceArray array = DeviceArray.from(Memory.allocate(DType.INT32, 10))) {
      long struct = PyArrayInterface.export(array, Options.defaults().withCopy(Copy.ALWAYS));
      assertThat(DlpackStruct.buffer(struct, 56).getLong(40)).isNotEqualTo(array.address());
      PyArrayInterface.delete(struct);
    }
  }
}
