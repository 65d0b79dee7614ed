package io.arrowtensor.device;

import static io.arrowtensor.device.CudaEngine.DEVICE;
import static org.assertj.core.api.Assertions.assertThat;

import io.arrowtensor.Device;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;
import io.arrowtensor.Ready;
import io.arrowtensor.Stream;
import io.arrowtensor.arrow.CDevice;
import io.arrowtensor.dlpack.Dlpack;
import io.arrowtensor.internal.Abi;
import io.arrowtensor.internal.Native;
import io.arrowtensor.internal.RawMemory;
import io.arrowtensor.testing.NoLeaks;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Who waits for whom on a real CUDA device, where there is one: the producer's work begins when a
 * gate is opened. {@link CudaStreamTest} has the double.
 */
@ExtendWith(NoLeaks.class)
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class CudaDeviceStreamTest {
  private static final Options TO_HOST = Options.defaults().withDevice(Device.CPU);

  /** Long enough for a call that waits for nothing to return. */
  private static final int MILLIS = 200;

  private CudaEngine engine;
  private Stream producer;
  private Stream consumer;
  private DeviceArray array;

  @BeforeAll
  static void requireADevice() {
    CudaEngine.requireADevice();
  }

  @BeforeEach
  void fillAnArrayBehindAGate() {
    engine = new CudaEngine();
    producer = engine.stream();
    consumer = engine.stream();
    array = CudaEngine.counting(8);
    engine.fillLater(producer, array, 77);
  }

  @AfterEach
  void closeAll() {
    engine.open();
    array.close();
    engine.close();
  }

  private Memory pending(Ready ready) {
    return array.open(Options.defaults()).withReady(ready);
  }

  /** {@code task} ends only once the gate is open. */
  private void assertWaits(Runnable task) throws Exception {
    FutureTask<Boolean> waiting = new FutureTask<>(task, true);
    Thread thread = new Thread(waiting, "waiting");
    thread.start();
    thread.join(MILLIS);
    assertThat(thread.isAlive()).as("waits for the producer").isTrue();
    engine.open();
    assertThat(waiting.get()).isTrue();
  }

  /** What the other tests rely on. */
  @Test
  void theGateHoldsTheWorkAndNothingElse() {
    assertThat(engine.isIdle(producer)).isFalse();
    assertThat(engine.isIdle(consumer)).isTrue();
    assertThat(engine.peek(array, 5)).as("old bytes").isEqualTo((byte) 5);
    engine.open();
    engine.finish(producer);
    assertThat(engine.peek(array, 5)).isEqualTo((byte) 77);
  }

  @Test
  void aTransferToTheHostWaitsForTheProducersStream() throws Exception {
    Memory pending = pending(Ready.afterStream(producer));
    assertWaits(
        () -> {
          try (DeviceArray host = DeviceArray.from(pending, TO_HOST)) {
            assertThat(host.byteBuffer().get(5)).isEqualTo((byte) 77);
          }
        });
  }

  @Test
  void aTransferToTheHostWaitsForAnEvent() throws Exception {
    Memory pending = pending(Ready.afterEvent(engine.event(producer)));
    assertWaits(
        () -> {
          try (DeviceArray host = DeviceArray.from(pending, TO_HOST)) {
            assertThat(host.byteBuffer().get(5)).isEqualTo((byte) 77);
          }
        });
  }

  @Test
  void anExportOrdersTheConsumersStreamAndTheHostDoesNotWait() {
    assertExportOrders(Ready.afterStream(producer));
  }

  @Test
  void anExportOrdersTheConsumersStreamAfterAnEvent() {
    assertExportOrders(Ready.afterEvent(engine.event(producer)));
  }

  private void assertExportOrders(Ready ready) {
    Options options = Options.defaults().withStream(consumer);
    long struct = Dlpack.export(pending(ready), options);
    assertThat(engine.isIdle(consumer)).as("before the producer's work").isFalse();
    engine.open();
    engine.finish(consumer);
    assertThat(engine.isIdle(producer)).isTrue();
    assertThat(engine.peek(array, 5)).isEqualTo((byte) 77);
    Dlpack.delete(struct);
  }

  @Test
  void aConsumerWithoutAStreamIsOnTheDefaultOne() throws Exception {
    long struct = Dlpack.export(pending(Ready.afterStream(producer)));
    assertWaits(() -> engine.finish(Stream.DEFAULT));
    assertThat(engine.peek(array, 5)).isEqualTo((byte) 77);
    Dlpack.delete(struct);
  }

  @Test
  void anExportOrdersTheStreamOfTheThreadThatExports() throws Exception {
    Memory pending = pending(Ready.afterStream(producer));
    Options perThread = Options.defaults().withStream(Stream.PER_THREAD);
    assertWaits(
        () -> {
          long struct = Dlpack.export(pending, perThread);
          assertThat(engine.isIdle(Stream.PER_THREAD)).isFalse();
          engine.finish(Stream.PER_THREAD);
          assertThat(engine.peek(array, 5)).isEqualTo((byte) 77);
          Dlpack.delete(struct);
        });
  }

  @Test
  void noSyncOrdersNothing() {
    Options noSync = Options.defaults().withStream(Stream.NO_SYNC);
    long struct = Dlpack.export(pending(Ready.afterStream(producer)), noSync);
    assertThat(engine.isIdle(Stream.DEFAULT)).isTrue();
    assertThat(engine.isIdle(consumer)).isTrue();
    Dlpack.delete(struct);
  }

  /** The driver's own promise, which makes it safe to delete what a kernel still reads. */
  @Test
  void memoryIsGivenBackWhenTheDevicesWorkHasEnded() throws Exception {
    DeviceArray other = CudaEngine.counting(1 << 20);
    engine.fillLater(consumer, other, 1);
    assertWaits(other::close);
    assertThat(engine.isIdle(consumer)).isTrue();
  }

  @Test
  void whatAnArrowDeviceArrayWaitsForIsItsEvent() {
    long schema = Native.allocate(Abi.Schema.SIZE, 16);
    long struct = Native.allocate(Abi.DeviceArray.SIZE, 16);
    try (DeviceArray pending = DeviceArray.from(pending(Ready.afterStream(producer)))) {
      CDevice.export(pending, "v", Options.defaults(), schema, struct);
    }
    long event = RawMemory.longAt(RawMemory.longAt(struct + Abi.DeviceArray.SYNC_EVENT));
    try (DeviceArray taken = DeviceArray.from(CDevice.take(schema, struct))) {
      assertThat(taken.device()).isEqualTo(DEVICE);
      assertThat(taken.ready()).isEqualTo(Ready.afterEvent(event));
      long consumers = Dlpack.export(taken, Options.defaults().withStream(consumer));
      assertThat(engine.isIdle(consumer)).isFalse();
      engine.open();
      engine.finish(consumer);
      assertThat(engine.peek(taken, 5)).isEqualTo((byte) 77);
      Dlpack.delete(consumers);
    }
    Native.free(schema);
    Native.free(struct);
  }
}
