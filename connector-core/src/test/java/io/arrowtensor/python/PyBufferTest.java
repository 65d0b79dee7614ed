package io.arrowtensor.python;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.arrowtensor.Access;
import io.arrowtensor.CopyRefusedException;
import io.arrowtensor.DType;
import io.arrowtensor.Device;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceMismatchException;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;
import io.arrowtensor.Outcome;
import io.arrowtensor.UnsupportedTypeException;
import io.arrowtensor.internal.NativeBytes;
import io.arrowtensor.internal.RawMemory;
import io.arrowtensor.python.NumPySays.Layout;
import io.arrowtensor.python.NumPySays.TypeNames;
import io.arrowtensor.testing.DlpackStruct;
import io.arrowtensor.testing.NoLeaks;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every type in every layout for every request as {@code Py_buffer}, and back; NumPy's buffers are
 * the oracle.
 */
@ExtendWith(NoLeaks.class)
class PyBufferTest {
  private static final String NUMPY = "io.arrowtensor.python.NumPySays#";
  private static final int FULL_RO = 0x11c;

  @ParameterizedTest(name = "{0}, {1}")
  @MethodSource(NUMPY + "cases")
  void requestsAreAnsweredAsNumPyAnswersThem(TypeNames type, Layout layout) {
    try (Scratch scratch = new Scratch()) {
      long base = scratch.allocate(1024);
      long view = scratch.allocate(80);
      Memory memory = layout.over(base, type.dtype());
      NumPySays.requests()
          .forEach(
              (name, flags) -> {
                JsonNode said = layout.said().get("buffers").get(name);
                if (said.isTextual()) {
                  assertThatThrownBy(() -> PyBuffer.fill(view, memory, flags))
                      .as(name + ": " + said.asText())
                      .isInstanceOf(CopyRefusedException.class)
                      .hasMessageContaining(
                          said.asText().contains("contiguous")
                              ? "asks for contiguous memory"
                              : "asks to write (PyBUF_WRITABLE)");
                  assertThat(DlpackStruct.buffer(view, 80).getLong(0)).as(name).isZero();
                } else {
                  PyBuffer.fill(view, memory, flags);
                  requireAnswer(DlpackStruct.buffer(view, 80), said, name, type, memory);
                  PyBuffer.release(view);
                  PyBuffer.release(view);
                  DlpackStruct.buffer(view, 80).putLong(0, 0);
                }
              });
    }
  }

  private static void requireAnswer(
      ByteBuffer view, JsonNode said, String name, TypeNames type, Memory memory) {
    int ndim = memory.shape().length;
    assertThat(view.getLong(0)).as(name).isEqualTo(memory.start());
    assertThat(view.getLong(8)).as("obj, " + name).isZero();
    assertThat(view.getLong(16)).as(name).isEqualTo(memory.nbytes());
    assertThat(view.getLong(24)).as(name).isEqualTo(type.itemSize());
    assertThat(view.getInt(32)).as(name).isEqualTo(said.get("readonly").asInt());
    assertThat(format(view)).as(name).isEqualTo(expectedFormat(said, type, memory));
    boolean shaped = !said.get("shape").isNull();
    boolean strided = !said.get("strides").isNull();
    // Where nobody asked for a shape NumPy says 0 dimensions, CPython's PyBuffer_FillInfo 1.
    assertThat(view.getInt(36)).as(name).isEqualTo(isAsked(name) ? ndim : 1);
    assertThat(view.getLong(48) != 0).as("shape, " + name).isEqualTo(shaped);
    assertThat(view.getLong(56) != 0).as("strides, " + name).isEqualTo(strided);
    assertThat(view.getLong(64)).as("suboffsets, " + name).isZero();
    for (int d = 0; d < ndim && shaped; d++) {
      assertThat(at(view.getLong(48), d)).as(name).isEqualTo(said.get("shape").get(d).asLong());
      if (strided && memory.nbytes() > 0) {
        long perFloat = said.get("strides").get(d).asLong() / 4;
        assertThat(at(view.getLong(56), d)).as(name).isEqualTo(perFloat * type.itemSize());
      }
    }
  }

  private static boolean isAsked(String name) {
    return !name.matches("SIMPLE|WRITABLE|FORMAT");
  }

  /** NumPy says l and L for 64 bits, which Windows reads as 32: here they are q and Q. */
  private static String expectedFormat(JsonNode said, TypeNames type, Memory memory) {
    if (said.get("format").isNull()) {
      return null;
    }
    boolean aligned = memory.start() % type.alignment() == 0 || type.alignment() == 1;
    return (aligned ? "" : "=") + type.format().replace('l', 'q').replace('L', 'Q');
  }

  private static String format(ByteBuffer view) {
    long address = view.getLong(40);
    return address == 0 ? null : RawMemory.cString(address, 8);
  }

  private static long at(long address, int index) {
    return DlpackStruct.buffer(address, 8 * (index + 1)).getLong(8 * index);
  }

  @ParameterizedTest(name = "{0}, {1}")
  @MethodSource(NUMPY + "cases")
  void numPysBuffersAreReadInPlace(TypeNames type, Layout layout) {
    try (Scratch scratch = new Scratch()) {
      long base = scratch.allocate(1024);
      Memory expected = layout.over(base, type.dtype());
      for (String request : new String[] {"FULL_RO", "RECORDS_RO"}) {
        long view = view(scratch, layout.said().get("buffers").get(request), type, expected);
        AtomicInteger released = new AtomicInteger();
        try (DeviceArray array =
            DeviceArray.from(PyBuffer.borrow(view, released::incrementAndGet))) {
          assertThat(array.address()).isEqualTo(expected.start());
          assertThat(array.dtype()).isEqualTo(expected.dtype());
          assertThat(array.shape()).isEqualTo(expected.shape());
          assertThat(array.isReadOnly()).isEqualTo(expected.readOnly());
          assertThat(array.outcome()).isEqualTo(Outcome.zeroCopy(expected.nbytes()));
          for (int d = 0; d < layout.shape().length; d++) {
            if (layout.shape()[d] > 1 && layout.size() > 0) {
              assertThat(array.strides()[d]).isEqualTo(layout.strides()[d]);
            }
          }
          assertThat(released).hasValue(0);
        }
        assertThat(released).hasValue(1);
      }
    }
  }

  private static long view(Scratch scratch, JsonNode said, TypeNames type, Memory memory) {
    long[] strides = NumPySays.longs(said.get("strides"));
    for (int d = 0; strides != null && d < strides.length; d++) {
      strides[d] = strides[d] / 4 * type.itemSize();
    }
    String prefix = said.get("format").asText().startsWith("=") ? "=" : "";
    long view =
        scratch.view(
            memory.start(),
            memory.nbytes(),
            type.itemSize(),
            prefix.isEmpty() ? type.format() : prefix + NumpyType.of(type.dtype(), "").format,
            said.get("ndim").asInt(),
            NumPySays.longs(said.get("shape")),
            strides);
    DlpackStruct.buffer(view, 80).putInt(32, said.get("readonly").asInt());
    return view;
  }

  @ParameterizedTest(name = "{0}, {1}")
  @MethodSource(NUMPY + "cases")
  void buffersComeBack(TypeNames type, Layout layout) {
    try (Scratch scratch = new Scratch()) {
      long view = scratch.allocate(80);
      Memory memory = layout.over(scratch.allocate(1024), type.dtype());
      PyBuffer.fill(view, memory, FULL_RO);
      try (DeviceArray back =
          DeviceArray.from(PyBuffer.borrow(view, () -> PyBuffer.release(view)))) {
        assertThat(back.address()).isEqualTo(memory.start());
        assertThat(back.dtype()).isEqualTo(type.dtype());
        assertThat(back.shape()).isEqualTo(layout.shape());
        assertThat(back.isReadOnly()).isEqualTo(!layout.writeable());
      }
      assertThat(DlpackStruct.buffer(view, 80).getLong(72)).as("internal").isZero();
    }
  }

  @Test
  void buffersHoldTheirMemoryUntilTheyAreReleased() {
    try (Scratch scratch = new Scratch()) {
      long view = scratch.allocate(80);
      long before = NativeBytes.held();
      try (DeviceArray array = DeviceArray.from(Memory.allocate(DType.INT32, 100))) {
        PyBuffer.fill(view, array, FULL_RO);
      }
      assertThat(NativeBytes.held() - before).isEqualTo(400);
      PyBuffer.release(view);
      assertThat(NativeBytes.held() - before).isZero();
    }
  }

  @Test
  void aConsumerThatWritesGetsACopyWhenAskedFor() {
    try (Scratch scratch = new Scratch()) {
      long view = scratch.allocate(80);
      long data = scratch.allocate(40);
      Memory readOnly = Memory.borrow(data, DType.INT32, 10);
      Options writable = Options.defaults().withAccess(Access.WRITABLE);
      PyBuffer.fill(view, readOnly, FULL_RO | 1, writable);
      assertThat(DlpackStruct.buffer(view, 80).getInt(32)).as("readonly").isZero();
      assertThat(DlpackStruct.buffer(view, 80).getLong(0)).isNotEqualTo(data);
      PyBuffer.release(view);
    }
  }

  @Test
  void exportsThatFailReleaseTheirSource() {
    AtomicInteger released = new AtomicInteger();
    try (Scratch scratch = new Scratch()) {
      long view = scratch.allocate(80);
      Memory memory =
          Memory.borrow(4096, DType.INT8, 8).withOwner((Runnable) released::incrementAndGet);
      Memory onDevice = memory.withDevice(Device.cuda(0));
      assertThatThrownBy(() -> PyBuffer.fill(view, onDevice, 0))
          .isInstanceOf(DeviceMismatchException.class)
          .hasMessageContaining(
              "Cannot describe by a Py_buffer memory on cuda:0: the host cannot reach it");
      Memory untyped =
          Memory.borrow(4096, DType.BFLOAT16, 8).withOwner((Runnable) released::incrementAndGet);
      assertThatThrownBy(() -> PyBuffer.fill(view, untyped, 0))
          .isInstanceOf(UnsupportedTypeException.class)
          .hasMessageContaining("Cannot describe elements of bfloat16 by a Py_buffer");
      assertThat(released).hasValue(2);
      assertThatThrownBy(() -> PyBuffer.fill(0, Memory.borrow(4096, DType.INT8, 8), 0))
          .hasMessageContaining("Invalid Py_buffer address 0x0");
    }
  }
}
