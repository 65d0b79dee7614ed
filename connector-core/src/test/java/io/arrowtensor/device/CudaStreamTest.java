package io.arrowtensor.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.DType;
import io.arrowtensor.Device;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceMismatchException;
import io.arrowtensor.DeviceType;
import io.arrowtensor.Matrix;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;
import io.arrowtensor.Ready;
import io.arrowtensor.Stream;
import io.arrowtensor.dlpack.Dlpack;
import io.arrowtensor.internal.Backends;
import io.arrowtensor.internal.DeviceBackend;
import io.arrowtensor.testing.DlpackStruct;
import io.arrowtensor.testing.NoLeaks;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Who waits for whom, against the double of CUDA's driver, whose streams do nothing before somebody
 * waits for them.
 */
@ExtendWith(NoLeaks.class)
class CudaStreamTest {
  private static final Device DEVICE = Device.cuda(0);
  private static final Options TO_HOST = Options.defaults().withDevice(Device.CPU);

  private final DeviceBackend backend = new CudaBackend();
  private CudaDouble cuda;
  private Stream producer;
  private Stream consumer;
  private DeviceArray array;

  @BeforeEach
  void fillAnArrayOnTheProducersStream() {
    cuda = new CudaDouble();
    producer = cuda.stream(0);
    consumer = cuda.stream(1);
    array = CudaDouble.counting(DEVICE, 8);
    cuda.fillLater(producer, array, 77);
    cuda.calls();
  }

  @AfterEach
  void closeAll() {
    array.close();
    cuda.close();
  }

  private Memory pending(Ready ready) {
    return array.open(Options.defaults()).withReady(ready);
  }

  private boolean isFilled() {
    return cuda.peek(array, 5) == 77;
  }

  /** What the other tests rely on. */
  @Test
  void theDoubleDoesNothingUnlessItIsWaitedFor() {
    try (DeviceArray host = DeviceArray.from(array, TO_HOST)) {
      assertThat(host.byteBuffer().get(5)).as("old bytes").isEqualTo((byte) 5);
    }
    assertThat(isFilled()).isFalse();
  }

  @Test
  void aTransferToTheHostWaitsForTheProducersStream() {
    try (DeviceArray host = DeviceArray.from(pending(Ready.afterStream(producer)), TO_HOST)) {
      assertThat(host.byteBuffer().get(5)).isEqualTo((byte) 77);
    }
  }

  @Test
  void aTransferToTheHostWaitsForAnEvent() {
    long event = backend.record(DEVICE, Ready.afterStream(producer));
    try (DeviceArray host = DeviceArray.from(pending(Ready.afterEvent(event)), TO_HOST)) {
      assertThat(host.byteBuffer().get(5)).isEqualTo((byte) 77);
    }
    backend.destroy(DEVICE, event);
  }

  @Test
  void aCopyOnAnotherDeviceWaitsForTheProducersStream() {
    Options there = Options.defaults().withDevice(Device.cuda(1)).withStream(consumer);
    try (DeviceArray copy = DeviceArray.from(pending(Ready.afterStream(producer)), there)) {
      assertThat(cuda.peek(copy, 5)).isEqualTo((byte) 77);
    }
  }

  @Test
  void makingAnArrayOfItWaitsForNothing() {
    try (DeviceArray pending = DeviceArray.from(pending(Ready.afterStream(producer)))) {
      assertThat(pending.ready()).isEqualTo(Ready.afterStream(producer));
    }
    assertThat(cuda.calls()).isEmpty();
  }

  @Test
  void anExportOrdersTheConsumersStreamAndTheHostDoesNotWait() {
    long struct =
        Dlpack.export(
            pending(Ready.afterStream(producer)), Options.defaults().withStream(consumer));
    assertThat(cuda.calls())
        .containsExactly(
            "cuEventCreate", "cuEventRecord", "cuStreamWaitEvent", "cuEventDestroy_v2");
    assertThat(isFilled()).as("before anyone waits").isFalse();
    backend.await(DEVICE, Ready.afterStream(consumer));
    assertThat(isFilled()).as("when the consumer's stream has come this far").isTrue();
    Dlpack.delete(struct);
  }

  @Test
  void anExportOrdersTheConsumersStreamAfterAnEvent() {
    long event = backend.record(DEVICE, Ready.afterStream(producer));
    cuda.calls();
    long struct =
        Dlpack.export(pending(Ready.afterEvent(event)), Options.defaults().withStream(consumer));
    assertThat(cuda.calls()).containsExactly("cuStreamWaitEvent");
    backend.await(DEVICE, Ready.afterStream(consumer));
    assertThat(isFilled()).isTrue();
    Dlpack.delete(struct);
    backend.destroy(DEVICE, event);
  }

  @Test
  void aConsumerWithoutAStreamIsOnTheDefaultOne() {
    long struct = Dlpack.export(pending(Ready.afterStream(producer)));
    backend.await(DEVICE, Ready.afterStream(Stream.DEFAULT));
    assertThat(isFilled()).isTrue();
    Dlpack.delete(struct);
  }

  @Test
  void noSyncTouchesNothing() {
    Options noSync = Options.defaults().withStream(Stream.NO_SYNC);
    DlpackStruct struct =
        DlpackStruct.versioned(Dlpack.export(pending(Ready.afterStream(producer)), noSync));
    assertThat(struct.data()).isEqualTo(array.address());
    assertThat(cuda.calls()).isEmpty();
    struct.delete();
  }

  @Test
  void theProducersOwnStreamNeedsNoOrder() {
    long struct =
        Dlpack.export(
            pending(Ready.afterStream(producer)), Options.defaults().withStream(producer));
    assertThat(cuda.calls()).isEmpty();
    Dlpack.delete(struct);
  }

  @Test
  void anExportThatCannotBeOrderedHoldsNothing() {
    cuda.fail("cuStreamWaitEvent", 400);
    assertThatThrownBy(() -> Dlpack.export(pending(Ready.afterStream(producer))))
        .isInstanceOf(DeviceMismatchException.class)
        .hasMessageContaining("cuStreamWaitEvent")
        .hasMessageEndingWith("failed with error 400");
    assertThat(cuda.liveEvents()).isZero();
  }

  @Test
  void anEventForAStreamLivesAsLongAsTheMemory() {
    Memory memory = Backends.withEvent(pending(Ready.afterStream(producer)));
    assertThat(memory.ready().event()).isNotZero();
    assertThat(memory.ready().stream()).isEqualTo(Stream.NONE);
    assertThat(cuda.liveEvents()).isEqualTo(1);
    backend.await(DEVICE, memory.ready());
    assertThat(isFilled()).isTrue();
    memory.release();
    assertThat(cuda.liveEvents()).isZero();
  }

  @Test
  void whatIsReadyOrHasAnEventStaysAsItIs() {
    Memory ready = pending(Ready.NOW);
    assertThat(Backends.withEvent(ready)).isSameAs(ready);
    ready.release();
    Memory event = pending(Ready.afterEvent(64));
    assertThat(Backends.withEvent(event)).isSameAs(event);
    event.release();
  }

  @Test
  void anEventThatCannotBeRecordedReleasesTheMemory() {
    cuda.fail("cuEventRecord", 400);
    assertThatThrownBy(() -> Backends.withEvent(pending(Ready.afterStream(producer))))
        .isInstanceOf(DeviceMismatchException.class)
        .hasMessageContaining("cuEventRecord");
    assertThat(cuda.liveEvents()).isZero();
  }

  /** The host may read such memory, so it is waited for before anyone can. */
  @Test
  void pinnedAndManagedMemoryIsReadyWhenTheArrayIsMade() {
    for (DeviceType type : new DeviceType[] {DeviceType.CUDA_HOST, DeviceType.CUDA_MANAGED}) {
      Memory pinned =
          Memory.borrow(64, DType.UINT8, 1)
              .withDevice(new Device(type, 0))
              .withReady(Ready.afterStream(producer));
      try (DeviceArray made = DeviceArray.from(pinned)) {
        assertThat(made.ready()).isEqualTo(Ready.NOW);
      }
      assertThat(cuda.calls()).containsExactly("cuStreamSynchronize");
    }
    assertThat(isFilled()).isTrue();
  }

  /** One array has one thing to wait for. */
  @Test
  void columnsThatWaitForDifferentThingsAreWaitedForWhenTheyBecomeAMatrix() {
    Memory left = Memory.borrow(array.address(), DType.UINT8, 4).withDevice(DEVICE);
    Memory right = Memory.borrow(array.address() + 4, DType.UINT8, 4).withDevice(DEVICE);
    try (DeviceArray ready = DeviceArray.from(left);
        DeviceArray pending = DeviceArray.from(right.withReady(Ready.afterStream(producer)));
        DeviceArray matrix = Matrix.columnMajor(List.of(ready, pending))) {
      assertThat(matrix.ready()).isEqualTo(Ready.NOW);
      assertThat(isFilled()).isTrue();
    }
  }

  @Test
  void theDeviceOfAnAddressIsFound() {
    try (DeviceArray one = CudaDouble.counting(Device.cuda(1), 8)) {
      assertThat(Backends.deviceOf(DeviceType.CUDA, one.address() + 3)).isEqualTo(Device.cuda(1));
    }
    assertThat(Backends.deviceOf(DeviceType.CUDA, array.address())).isEqualTo(DEVICE);
  }
}
