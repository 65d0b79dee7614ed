package io.arrowtensor.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.DType;
import io.arrowtensor.Device;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceMismatchException;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;
import io.arrowtensor.Ready;
import io.arrowtensor.Stream;
import io.arrowtensor.dlpack.Dlpack;
import io.arrowtensor.internal.DeviceBackend;
import io.arrowtensor.internal.Scope;
import io.arrowtensor.python.CudaArrayInterface;
import io.arrowtensor.testing.NoLeaks;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Work on the default stream of one thread, for which another thread waits, against the double of
 * CUDA's driver. The number 2 is a stream of its own on each of them.
 */
@ExtendWith(NoLeaks.class)
class CudaThreadTest {
  private static final Device DEVICE = Device.cuda(0);
  private static final Ready PER_THREAD = Ready.afterStream(Stream.PER_THREAD);
  private static final Options TO_HOST = Options.defaults().withDevice(Device.CPU);

  private final DeviceBackend backend = new CudaBackend();
  private CudaDouble cuda;
  private DeviceArray array;

  @BeforeEach
  void makeAnArray() {
    cuda = new CudaDouble();
    array = CudaDouble.counting(DEVICE, 8);
    cuda.calls();
  }

  @AfterEach
  void closeAll() {
    array.close();
    cuda.close();
  }

  private static <T> T onAnotherThread(Callable<T> task) throws Exception {
    FutureTask<T> result = new FutureTask<>(task);
    Thread thread = new Thread(result, "producer");
    thread.start();
    thread.join();
    return result.get();
  }

  /** An array that the calling thread's stream is going to fill. */
  private DeviceArray pending() {
    cuda.fillLaterOnThisThread(array, 77);
    String json =
        "{\"data\":[%d,false],\"shape\":[8],\"typestr\":\"|u1\",\"version\":3,\"stream\":2}"
            .formatted(array.address());
    return DeviceArray.from(CudaArrayInterface.borrow(json, DEVICE));
  }

  private boolean isFilled() {
    return cuda.peek(array, 5) == 77;
  }

  /** What the other tests rely on. */
  @Test
  void theDoublesPerThreadStreamsAreApart() throws Exception {
    onAnotherThread(
        () -> {
          cuda.fillLaterOnThisThread(array, 77);
          return null;
        });
    backend.await(DEVICE, PER_THREAD);
    assertThat(isFilled()).isFalse();
  }

  @Test
  void aTransferWaitsForTheStreamOfTheThreadThatMadeTheArray() throws Exception {
    try (DeviceArray pending = onAnotherThread(this::pending);
        DeviceArray host = DeviceArray.from(pending, TO_HOST)) {
      assertThat(host.byteBuffer().get(5)).isEqualTo((byte) 77);
    }
  }

  @Test
  void theArrayWaitsForAnEventThatItOwnsAndTheHostDoesNotWait() {
    try (DeviceArray pending = pending()) {
      assertThat(pending.ready().event()).isNotZero();
      assertThat(cuda.liveEvents()).isEqualTo(1);
      assertThat(isFilled()).isFalse();
    }
    assertThat(cuda.liveEvents()).isZero();
  }

  @Test
  void anExportOrdersTheStreamOfTheThreadThatExports() throws Exception {
    try (DeviceArray pending = onAnotherThread(this::pending)) {
      long struct = Dlpack.export(pending, Options.defaults().withStream(Stream.PER_THREAD));
      assertThat(isFilled()).as("before anyone waits").isFalse();
      backend.await(DEVICE, PER_THREAD);
      assertThat(isFilled()).as("when this thread's stream has come this far").isTrue();
      Dlpack.delete(struct);
    }
  }

  @Test
  void anotherThreadsInterfaceHasNoStreamAsTheHostHasWaited() throws Exception {
    try (DeviceArray pending = onAnotherThread(this::pending)) {
      assertThat(CudaArrayInterface.of(pending).stream()).isEqualTo(Stream.NONE);
      assertThat(isFilled()).isTrue();
    }
  }

  @Test
  void theNumberOfTheStreamIsNeverTakenForTheStream() {
    backend.order(DEVICE, PER_THREAD, Stream.PER_THREAD);
    assertThat(cuda.calls()).contains("cuEventRecord", "cuStreamWaitEvent");
  }

  /** An owner would let it pass for memory that may be kept. */
  @Test
  void memoryThatABatchLendsIsWaitedForAtOnce() throws InterruptedException {
    cuda.fillLaterOnThisThread(array, 77);
    Memory lent = Memory.borrow(array.address(), DType.UINT8, 8).withDevice(DEVICE);
    Scope scope = new Scope("a test's batch");
    try (DeviceArray made = DeviceArray.from(lent.withScope(scope).withReady(PER_THREAD))) {
      assertThat(made.ready()).isEqualTo(Ready.NOW);
      assertThat(isFilled()).isTrue();
    }
    scope.end(Duration.ZERO);
  }

  @Test
  void anEventThatCannotBeRecordedReleasesTheLenderOnce() {
    AtomicInteger released = new AtomicInteger();
    cuda.fail("cuEventRecord", 400);
    Memory memory =
        Memory.borrow(array.address(), DType.UINT8, 8)
            .withDevice(DEVICE)
            .withReady(PER_THREAD)
            .withOwner(released::incrementAndGet);
    assertThatThrownBy(() -> DeviceArray.from(memory))
        .isInstanceOf(DeviceMismatchException.class)
        .hasMessageContaining("cuEventRecord");
    assertThat(released).hasValue(1);
    assertThat(cuda.liveEvents()).isZero();
  }
}
