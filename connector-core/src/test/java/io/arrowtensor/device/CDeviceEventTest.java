package io.arrowtensor.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.DType;
import io.arrowtensor.Device;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.DeviceMismatchException;
import io.arrowtensor.DeviceType;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.Ready;
import io.arrowtensor.Stream;
import io.arrowtensor.arrow.CDevice;
import io.arrowtensor.internal.Abi;
import io.arrowtensor.internal.Native;
import io.arrowtensor.internal.RawMemory;
import io.arrowtensor.testing.NoLeaks;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The event of an {@code ArrowDeviceArray}, with a double of the CUDA driver behind it. */
@ExtendWith(NoLeaks.class)
class CDeviceEventTest {
  private static final Device GPU = Device.cuda(0);
  private static final Options OPTIONS = Options.defaults();
  private static final Options TO_HOST = OPTIONS.withDevice(Device.CPU);

  private CudaDouble cuda;
  private long schema;
  private long array;

  @BeforeEach
  void start() {
    cuda = new CudaDouble();
    schema = Native.allocate(Abi.Schema.SIZE, 16);
    array = Native.allocate(Abi.DeviceArray.SIZE, 16);
  }

  @AfterEach
  void nothingIsLeft() {
    Native.free(schema);
    Native.free(array);
    cuda.close();
  }

  private DeviceArray pending(int size, int value, Stream stream) {
    try (DeviceArray made = CudaDouble.counting(GPU, size)) {
      cuda.fillLater(stream, made, value);
      return DeviceArray.from(made.open(OPTIONS).withReady(Ready.afterStream(stream)));
    }
  }

  private long event() {
    return RawMemory.longAt(array + Abi.DeviceArray.SYNC_EVENT);
  }

  @Test
  void whatAnExportWaitsForIsItsEvent() {
    try (DeviceArray made = pending(8, 9, cuda.stream(0))) {
      CDevice.export(made, "v", OPTIONS, schema, array);
    }
    assertThat(event()).as("sync_event").isNotZero();
    assertThat(cuda.liveEvents()).isEqualTo(1);
    long handle = RawMemory.longAt(event());
    try (DeviceArray taken = DeviceArray.from(CDevice.take(schema, array))) {
      assertThat(taken.device()).isEqualTo(GPU);
      assertThat(taken.ready()).isEqualTo(Ready.afterEvent(handle));
      assertThat(cuda.peek(taken, 3)).as("not waited for").isEqualTo((byte) 3);
      try (DeviceArray host = DeviceArray.from(taken, TO_HOST)) {
        assertThat(host.byteBuffer().get(3)).isEqualTo((byte) 9);
      }
      assertThat(cuda.liveEvents()).as("lives as long as the array").isEqualTo(1);
    }
    assertThat(cuda.liveEvents()).isZero();
  }

  @Test
  void anEventGoesThroughAsItIs() {
    try (DeviceArray made = pending(8, 9, cuda.stream(0))) {
      CDevice.export(made, "v", OPTIONS, schema, array);
    }
    long handle = RawMemory.longAt(event());
    try (DeviceArray taken = DeviceArray.from(CDevice.take(schema, array))) {
      CDevice.export(taken, "v", OPTIONS, schema, array);
    }
    assertThat(RawMemory.longAt(event())).isEqualTo(handle);
    assertThat(cuda.liveEvents()).isEqualTo(1);
    DeviceArray.from(CDevice.take(schema, array)).close();
  }

  @Test
  void aNamedStreamWaitsInsteadOfAnEvent() {
    Stream consumer = cuda.stream(1);
    try (DeviceArray made = pending(8, 9, cuda.stream(0))) {
      CDevice.export(made, "v", OPTIONS.withStream(consumer), schema, array);
    }
    assertThat(event()).isZero();
    assertThat(cuda.calls()).contains("cuStreamWaitEvent");
    DeviceArray.from(CDevice.take(schema, array)).close();
  }

  @Test
  void columnsThatWaitForOneThingShareItsEventAndOthersAreWaitedFor() {
    Stream stream = cuda.stream(0);
    try (OwnedBatch same =
        OwnedBatch.of(
            DeviceColumn.of("a", pending(8, 5, stream)),
            DeviceColumn.of("b", pending(8, 6, stream)))) {
      CDevice.export(same, OPTIONS, schema, array);
      assertThat(cuda.liveEvents()).isEqualTo(1);
      assertThat(event()).isNotZero();
      DeviceBatch.from(CDevice.take(schema, array)).close();
    }
    try (OwnedBatch mixed =
        OwnedBatch.of(
            DeviceColumn.of("a", pending(8, 5, stream)),
            DeviceColumn.of("b", pending(8, 6, cuda.stream(1))))) {
      CDevice.export(mixed, OPTIONS, schema, array);
      assertThat(event()).isZero();
      assertThat(cuda.peek(mixed.column("a").values(), 0)).isEqualTo((byte) 5);
      assertThat(cuda.peek(mixed.column("b").values(), 0)).isEqualTo((byte) 6);
      DeviceBatch.from(CDevice.take(schema, array)).close();
    }
  }

  @Test
  void memoryThatTheHostReachesIsWaitedForWhenItIsTaken() {
    try (DeviceArray made = pending(8, 9, cuda.stream(0))) {
      CDevice.export(made, "v", OPTIONS, schema, array);
      RawMemory.putInt(array + Abi.DeviceArray.DEVICE_TYPE, DeviceType.CUDA_MANAGED.code());
      cuda.calls();
      try (DeviceArray managed = DeviceArray.from(CDevice.take(schema, array))) {
        assertThat(managed.ready()).isEqualTo(Ready.NOW);
        assertThat(cuda.calls()).contains("cuEventSynchronize");
        assertThat(cuda.peek(made, 0)).isEqualTo((byte) 9);
      }
    }
  }

  @Test
  void anEventThatCannotBeRecordedLeavesNothingBehind() {
    try (DeviceArray made = pending(8, 9, cuda.stream(0))) {
      cuda.fail("cuEventRecord", 700);
      assertThatThrownBy(() -> CDevice.export(made, "v", OPTIONS, schema, array))
          .isInstanceOf(DeviceMismatchException.class)
          .hasMessageContaining("cuEventRecord");
      assertThat(RawMemory.longAt(array + Abi.Array.RELEASE)).isZero();
      assertThat(RawMemory.longAt(schema + Abi.Schema.RELEASE)).isZero();
      cuda.fail("cuEventRecord", 0);
    }
  }

  @Test
  void hostArraysAreTransferredOnTheWayOut() {
    try (DeviceArray host = DeviceArray.from(Memory.allocate(DType.UINT8, 4))) {
      host.byteBuffer().put(2, (byte) 42);
      CDevice.export(host, "v", OPTIONS.withDevice(GPU), schema, array);
      assertThat(RawMemory.intAt(array + Abi.DeviceArray.DEVICE_TYPE)).isEqualTo(2);
      try (DeviceArray taken = DeviceArray.from(CDevice.take(schema, array))) {
        assertThat(taken.device()).isEqualTo(GPU);
        assertThat(cuda.peek(taken, 2)).isEqualTo((byte) 42);
      }
    }
  }
}
