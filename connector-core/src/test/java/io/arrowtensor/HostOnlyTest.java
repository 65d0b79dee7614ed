package io.arrowtensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.arrow.CData;
import io.arrowtensor.arrow.Vectors;
import io.arrowtensor.internal.ForeignBuffers;
import io.arrowtensor.internal.Native;
import io.arrowtensor.internal.RawMemory;
import io.arrowtensor.testing.NoLeaks;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.apache.arrow.memory.BufferAllocator;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Memory that the host cannot reach, at an address that ends the process when it is read: whatever
 * would read it refuses, and tells how to ask for a transfer.
 */
@ExtendWith(NoLeaks.class)
class HostOnlyTest {
  private static final Options DEFAULTS = Options.defaults();

  private final AtomicInteger released = new AtomicInteger();
  private int made;
  private long structs;

  static Stream<Device> devices() {
    return Stream.of(
        Device.cuda(1),
        new Device(DeviceType.OPENCL, 0),
        new Device(DeviceType.ROCM, 0),
        new Device(DeviceType.METAL, 0),
        new Device(new DeviceType(99), 3));
  }

  @BeforeEach
  void allocate() {
    structs = Native.allocate(160, 16);
  }

  @AfterEach
  void everythingWasReleased() {
    Native.free(structs);
    assertThat(released).as("releases").hasValue(made);
  }

  private DeviceArray on(Device device, DType dtype, long... shape) {
    made++;
    return DeviceArray.from(
        Memory.borrow(64, dtype, shape)
            .withDevice(device)
            .withOwner((Runnable) released::incrementAndGet));
  }

  private static DeviceArray host(DType dtype, long... shape) {
    return DeviceArray.from(Memory.allocate(dtype, shape));
  }

  private static void refuses(Device device, ThrowingCallable use) {
    assertThatThrownBy(use)
        .isInstanceOf(DeviceMismatchException.class)
        .hasMessageContaining(" memory on " + device + ": the host cannot reach it; transfer it")
        .hasMessageEndingWith(
            "with DeviceArray.from(array, Options.defaults().withDevice(Device.CPU))");
  }

  @ParameterizedTest
  @MethodSource("devices")
  void byteBuffersAndVectors(Device device, BufferAllocator allocator) {
    try (DeviceArray numbers = on(device, DType.FLOAT32, 4);
        DeviceArray matrix = on(device, DType.INT64, 4, 2);
        DeviceArray bools = on(device, DType.BOOL, 9)) {
      refuses(device, numbers::byteBuffer);
      refuses(device, () -> numbers.byteBuffer(0, 0));
      refuses(device, () -> Vectors.wrap(numbers, "v", allocator));
      refuses(device, () -> Vectors.wrap(matrix, "v", allocator));
      refuses(device, () -> Vectors.wrap(bools, "v", allocator));
      refuses(
          device,
          () ->
              Vectors.wrap(
                  matrix,
                  Vectors.listField("v", matrix),
                  allocator,
                  DEFAULTS.withAccess(Access.READ_ONLY)));
    }
  }

  @ParameterizedTest
  @MethodSource("devices")
  void eachPartOfAColumn(Device device, BufferAllocator allocator) {
    try (OwnedBatch text = text(on(device, DType.UINT8, 4), host(DType.INT32, 3));
        OwnedBatch starts = text(host(DType.UINT8, 4), on(device, DType.INT32, 3));
        OwnedBatch lists =
            OwnedBatch.of(
                DeviceColumn.of(
                    "l", ColumnKind.LIST, on(device, DType.INT16, 4), zeros(DType.INT32, 3)));
        OwnedBatch values = OwnedBatch.of(DeviceColumn.of("n", on(device, DType.INT32, 2)));
        OwnedBatch masked =
            OwnedBatch.of(
                DeviceColumn.of("n", host(DType.INT32, 2))
                    .withValidity(on(device, DType.BOOL, 2)))) {
      for (OwnedBatch batch : List.of(text, starts, lists, values, masked)) {
        refuses(device, () -> Vectors.toRoot(batch, allocator, DEFAULTS));
        refuses(device, () -> CData.export(batch, DEFAULTS, structs, structs + 72));
        refuses(device, () -> CData.export(batch.column(0), DEFAULTS, structs, structs + 72));
      }
    }
  }

  private static OwnedBatch text(DeviceArray values, DeviceArray offsets) {
    return OwnedBatch.of(DeviceColumn.of("s", ColumnKind.STRING, values, offsets));
  }

  private static DeviceArray zeros(DType dtype, long size) {
    DeviceArray array = host(dtype, size);
    RawMemory.fill(array.address(), array.nbytes(), (byte) 0);
    return array;
  }

  @ParameterizedTest
  @MethodSource("devices")
  void arrowBuffersAndCData(Device device, BufferAllocator allocator) {
    try (DeviceArray array = on(device, DType.INT32, 4)) {
      refuses(device, () -> CData.export(array, "v", DEFAULTS, structs, structs + 72));
      refuses(device, () -> ForeignBuffers.adopt(array.open(DEFAULTS), allocator));
    }
    try (DeviceArray empty = on(device, DType.INT32, 0)) {
      refuses(device, () -> ForeignBuffers.adopt(empty.open(DEFAULTS), allocator));
    }
  }

  @ParameterizedTest
  @MethodSource("devices")
  void matrices(Device device) {
    try (DeviceArray column = on(device, DType.FLOAT32, 4);
        DeviceArray other = host(DType.FLOAT32, 4)) {
      assertThatThrownBy(() -> Matrix.pack(List.of(other, column), DType.FLOAT32, DEFAULTS))
          .isInstanceOf(DeviceMismatchException.class)
          .hasMessageStartingWith("Cannot pack column 1 in memory on " + device)
          .hasMessageEndingWith("Options.defaults().withDevice(Device.CPU))");
      assertThatThrownBy(() -> Matrix.columnMajor(List.of(other, column)))
          .isInstanceOf(CopyRefusedException.class);
    }
  }

  /** A matrix of columns describes memory and reads none. */
  @ParameterizedTest
  @MethodSource("devices")
  void aMatrixOfOneColumnKeepsHandleOffsetAndReadiness(Device device) {
    made++;
    Ready ready = Ready.afterEvent(0x70);
    Memory memory =
        Memory.borrow(64, DType.FLOAT32, 4)
            .withDevice(device)
            .withByteOffset(16)
            .withReady(ready)
            .withOwner((Runnable) released::incrementAndGet);
    try (DeviceArray column = DeviceArray.from(memory);
        DeviceArray matrix = Matrix.columnMajor(List.of(column))) {
      assertThat(matrix.address()).isEqualTo(column.address());
      assertThat(matrix.byteOffset()).isEqualTo(column.byteOffset());
      assertThat(matrix.ready()).isEqualTo(ready);
    }
  }
}
