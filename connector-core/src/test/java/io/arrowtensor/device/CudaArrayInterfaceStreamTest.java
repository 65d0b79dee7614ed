package io.arrowtensor.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.DType;
import io.arrowtensor.Device;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.DeviceMismatchException;
import io.arrowtensor.DeviceType;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;
import io.arrowtensor.Ready;
import io.arrowtensor.Stream;
import io.arrowtensor.dlpack.Dlpack;
import io.arrowtensor.internal.DeviceBackend;
import io.arrowtensor.python.CudaArrayInterface;
import io.arrowtensor.testing.NoLeaks;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Who waits for the stream of a CUDA array interface, against the double of CUDA's driver, whose
 * streams do nothing before somebody waits for them.
 */
@ExtendWith(NoLeaks.class)
class CudaArrayInterfaceStreamTest {
  private static final Device DEVICE = Device.cuda(0);

  private final DeviceBackend backend = new CudaBackend();
  private CudaDouble cuda;
  private Stream producer;
  private DeviceArray array;

  @BeforeEach
  void fillAnArrayOnTheProducersStream() {
    cuda = new CudaDouble();
    producer = cuda.stream(0);
    array = CudaDouble.counting(DEVICE, 8);
    cuda.fillLater(producer, array, 77);
    cuda.calls();
  }

  @AfterEach
  void closeAll() {
    array.close();
    cuda.close();
  }

  private DeviceArray pending(Ready ready) {
    return DeviceArray.from(array.open(Options.defaults()).withReady(ready));
  }

  private String json() {
    try (DeviceArray pending = pending(Ready.afterStream(producer))) {
      return CudaArrayInterface.of(pending).toJson();
    }
  }

  private boolean isFilled() {
    return cuda.peek(array, 5) == 77;
  }

  @Test
  void theStreamIsNamedAndTheHostDoesNotWait() {
    assertThat(json())
        .isEqualTo(
            "{\"data\":[%d,false],\"shape\":[8],\"typestr\":\"|u1\",\"version\":3,\"stream\":%d}"
                .formatted(array.address(), producer.handle()));
    assertThat(cuda.calls()).isEmpty();
  }

  @Test
  void theHostWaitsForAnEventWhichHasNoPlaceThere() {
    long event = backend.record(DEVICE, Ready.afterStream(producer));
    try (DeviceArray pending = pending(Ready.afterEvent(event))) {
      assertThat(isFilled()).isFalse();
      assertThat(CudaArrayInterface.of(pending).stream()).isEqualTo(Stream.NONE);
      assertThat(isFilled()).isTrue();
    }
    backend.destroy(DEVICE, event);
  }

  @Test
  void aTransferToTheHostWaitsForTheStreamThatWasRead() {
    Options toHost = Options.defaults().withDevice(Device.CPU);
    try (DeviceArray host = DeviceArray.from(CudaArrayInterface.borrow(json(), DEVICE), toHost)) {
      assertThat(host.byteBuffer().get(5)).isEqualTo((byte) 77);
    }
  }

  @Test
  void anExportOrdersItsConsumerBehindTheStreamThatWasRead() {
    Stream consumer = cuda.stream(1);
    long struct =
        Dlpack.export(
            CudaArrayInterface.borrow(json(), DEVICE), Options.defaults().withStream(consumer));
    assertThat(isFilled()).as("before anyone waits").isFalse();
    backend.await(DEVICE, Ready.afterStream(consumer));
    assertThat(isFilled()).as("when the consumer's stream has come this far").isTrue();
    Dlpack.delete(struct);
  }

  @Test
  void memoryThatTheHostMayReadIsWaitedForAtOnce() {
    Device managed = new Device(DeviceType.CUDA_MANAGED, 0);
    try (DeviceArray read = DeviceArray.from(CudaArrayInterface.borrow(json(), managed))) {
      assertThat(read.ready()).isEqualTo(Ready.NOW);
      assertThat(isFilled()).isTrue();
    }
  }

  @Test
  void aWaitThatFailsReleasesTheLender() {
    AtomicInteger released = new AtomicInteger();
    cuda.fail("cuStreamSynchronize", 700);
    Device managed = new Device(DeviceType.CUDA_MANAGED, 0);
    assertThatThrownBy(
            () ->
                DeviceArray.from(
                    CudaArrayInterface.borrow(json(), managed, released::incrementAndGet)))
        .isInstanceOf(DeviceMismatchException.class)
        .hasMessageContaining("cuStreamSynchronize");
    assertThat(released).hasValue(1);
  }

  @Test
  void theHostWaitsForAMaskOnAnotherStreamThanItsValues() {
    Stream other = cuda.stream(1);
    Memory values = Memory.borrow(4096, DType.FLOAT32, 8).withDevice(DEVICE);
    Memory bools = Memory.borrow(array.address(), DType.BOOL, 8).withDevice(DEVICE);
    try (DeviceColumn column =
        DeviceColumn.of("n", DeviceArray.from(values.withReady(Ready.afterStream(other))))
            .withValidity(DeviceArray.from(bools.withReady(Ready.afterStream(producer))))) {
      assertThat(CudaArrayInterface.of(column).stream()).isEqualTo(other);
      assertThat(isFilled()).as("the mask").isTrue();
    }
  }
}
