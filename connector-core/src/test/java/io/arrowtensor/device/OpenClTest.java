package io.arrowtensor.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.abort;

import io.arrowtensor.Copy;
import io.arrowtensor.CopyReason;
import io.arrowtensor.DType;
import io.arrowtensor.Device;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceMismatchException;
import io.arrowtensor.DeviceType;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;
import io.arrowtensor.Outcome;
import io.arrowtensor.Ready;
import io.arrowtensor.Stream;
import io.arrowtensor.dlpack.Dlpack;
import io.arrowtensor.internal.Backends;
import io.arrowtensor.internal.DeviceBackend;
import io.arrowtensor.testing.DlpackStruct;
import io.arrowtensor.testing.NoLeaks;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Buffers of a real OpenCL driver (in CI: PoCL, which runs on the CPU). */
@ExtendWith(NoLeaks.class)
class OpenClTest {
  private static final Device DEVICE = new Device(DeviceType.OPENCL, 0);
  private static final Options TO_HOST = Options.defaults().withDevice(Device.CPU);
  private static final Options TO_DEVICE = Options.defaults().withDevice(DEVICE);

  private final DeviceBackend backend = new OpenClBackend();

  @BeforeAll
  static void requireADevice() {
    try {
      assertThat(OpenCl.require().own(DEVICE).queue()).isNotZero();
    } catch (DeviceMismatchException e) {
      if (!isAbsent(e.getMessage())) {
        throw e;
      }
      String why = "OpenCL is not tested: " + e.getMessage();
      System.err.println(why);
      abort(why);
    }
  }

  /** Whether this machine has no OpenCL; any other failure is one of the tests. */
  private static boolean isAbsent(@Nullable String message) {
    return message != null
        && (message.startsWith("Cannot open OpenCL: ")
            || message.startsWith("Cannot use opencl:0: this system has 0 OpenCL devices"));
  }

  private static DeviceArray counting(int size, Options options) {
    try (DeviceArray host = DeviceArray.from(Memory.allocate(DType.UINT8, size))) {
      for (int i = 0; i < size; i++) {
        host.byteBuffer().put(i, (byte) i);
      }
      return DeviceArray.from(host, options);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 7, 4096, 100_000})
  void bytesComeBackAsTheyWent(int size) {
    try (DeviceArray device = counting(size, TO_DEVICE);
        DeviceArray host = DeviceArray.from(device, TO_HOST)) {
      assertThat(device.device()).isEqualTo(DEVICE);
      assertThat(device.outcome()).isEqualTo(Outcome.copied(size, CopyReason.TRANSFER));
      assertThat(host.outcome()).isEqualTo(Outcome.copied(size, CopyReason.TRANSFER));
      for (int i = 0; i < size; i++) {
        assertThat(host.byteBuffer().get(i)).isEqualTo((byte) i);
      }
    }
  }

  @Test
  void theHandleIsNoAddressAndTheOffsetStaysBesideIt() {
    try (DeviceArray device = counting(64, TO_DEVICE)) {
      Memory tail =
          Memory.borrow(device.address(), DType.UINT8, 8).withDevice(DEVICE).withByteOffset(40);
      DlpackStruct struct = DlpackStruct.versioned(Dlpack.export(tail));
      assertThat(struct.data()).isEqualTo(device.address());
      assertThat(struct.byteOffset()).isEqualTo(40);
      try (DeviceArray taken = DeviceArray.from(Dlpack.take(struct.address()));
          DeviceArray host = DeviceArray.from(taken, TO_HOST)) {
        assertThat(taken.byteOffset()).isEqualTo(40);
        assertThat(host.byteBuffer().get(7)).isEqualTo((byte) 47);
      }
    }
  }

  @Test
  void aCopyOnTheDeviceIsOneOfItsOwn() {
    try (DeviceArray device = counting(64, TO_DEVICE)) {
      Memory tail =
          Memory.borrow(device.address(), DType.UINT8, 8).withDevice(DEVICE).withByteOffset(40);
      try (DeviceArray copy = DeviceArray.from(tail, Options.defaults().withCopy(Copy.ALWAYS));
          DeviceArray host = DeviceArray.from(copy, TO_HOST)) {
        assertThat(copy.address()).isNotEqualTo(device.address());
        assertThat(copy.byteOffset()).isZero();
        assertThat(copy.outcome()).isEqualTo(Outcome.copied(8, CopyReason.REQUESTED));
        assertThat(host.byteBuffer().get(7)).isEqualTo((byte) 47);
      }
    }
  }

  @Test
  void aBufferThatIsSmallerThanTheStructSaysIsNotReadBeyondItsEnd() {
    try (DeviceArray device = counting(64, TO_DEVICE)) {
      Memory lie =
          Memory.borrow(device.address(), DType.UINT8, 64).withDevice(DEVICE).withByteOffset(1);
      assertThatThrownBy(() -> DeviceArray.from(lie, TO_HOST))
          .isInstanceOf(DeviceMismatchException.class)
          .hasMessage(
              "Cannot complete a call to OpenCL: clEnqueueReadBuffer of libOpenCL.so.1 failed with"
                  + " error -30 (CL/cl.h names it)");
    }
  }

  /** An engine has a context and a queue of its own, whose buffers mix with no other's. */
  @Test
  void buffersOfAnEnginesContextAreReadAndMadeThere() {
    try (OpenClEngine engine = new OpenClEngine()) {
      Stream queue = Stream.ofHandle(engine.queue());
      try (DeviceArray device = counting(32, TO_DEVICE.withStream(queue))) {
        assertThat(engine.contextOf(device.address())).isEqualTo(engine.context());
        assertThat(Backends.deviceOf(DeviceType.OPENCL, device.address())).isEqualTo(DEVICE);
        engine.fill(device.address(), 9, 32);
        Memory pending = device.open(Options.defaults()).withReady(Ready.afterStream(queue));
        try (DeviceArray host = DeviceArray.from(pending, TO_HOST)) {
          assertThat(host.byteBuffer().get(31)).isEqualTo((byte) 9);
        }
        try (DeviceArray copy =
            DeviceArray.from(device, Options.defaults().withCopy(Copy.ALWAYS))) {
          assertThat(engine.contextOf(copy.address())).isEqualTo(engine.context());
        }
      }
    }
  }

  @Test
  void bytesOfWorkThatFailedAreNotRead() {
    try (OpenClEngine engine = new OpenClEngine()) {
      Stream queue = Stream.ofHandle(engine.queue());
      try (DeviceArray device = counting(32, TO_DEVICE.withStream(queue))) {
        long gate = engine.userEvent();
        engine.fail(gate);
        Memory pending = device.open(Options.defaults()).withReady(Ready.afterEvent(gate));
        assertThatThrownBy(() -> DeviceArray.from(pending, TO_HOST))
            .isInstanceOf(DeviceMismatchException.class)
            .hasMessageContaining("clWaitForEvents")
            .hasMessageContaining("failed with error -14");
        engine.releaseEvents(gate);
      }
    }
  }

  @Test
  void aConsumersQueueWaitsForTheProducersEvent() throws InterruptedException {
    try (OpenClEngine engine = new OpenClEngine()) {
      Stream queue = Stream.ofHandle(engine.queue());
      try (DeviceArray device = counting(32, TO_DEVICE.withStream(queue))) {
        long gate = engine.userEvent();
        Memory pending = device.open(Options.defaults()).withReady(Ready.afterEvent(gate));
        long struct = Dlpack.export(pending, Options.defaults().withStream(queue));
        assertWaitsFor(gate, engine);
        engine.releaseEvents(gate);
        Dlpack.delete(struct);
      }
    }
  }

  @Test
  void aConsumersQueueWaitsForTheProducersQueue() throws InterruptedException {
    try (OpenClEngine engine = new OpenClEngine()) {
      long gate = engine.userEvent();
      long producer = engine.queueBehind(gate);
      Stream consumer = Stream.ofHandle(engine.queue());
      Ready ready = Ready.afterStream(Stream.ofHandle(producer));
      backend.order(DEVICE, ready, consumer);
      assertWaitsFor(gate, engine);
      engine.releaseEvents(gate);
      engine.releaseQueue(producer);
    }
  }

  /**
   * The work of the engine's queue does not end before {@code gate} does. A look at its status
   * would not tell: work that waits for nothing may not have begun either.
   */
  private static void assertWaitsFor(long gate, OpenClEngine engine) throws InterruptedException {
    long done = engine.marker();
    Thread finishing = new Thread(engine::finish, "finishing");
    finishing.start();
    finishing.join(500);
    assertThat(finishing.isAlive()).as("waits for the producer").isTrue();
    assertThat(engine.isComplete(done)).as("before the producer's event").isFalse();
    engine.complete(gate);
    finishing.join();
    assertThat(engine.isComplete(done)).isTrue();
    engine.releaseEvents(done);
  }

  @Test
  void aRecordedEventHappensWhenTheQueueHasComeThisFar() {
    try (OpenClEngine engine = new OpenClEngine()) {
      Ready ready = Ready.afterStream(Stream.ofHandle(engine.queue()));
      long event = backend.record(DEVICE, ready);
      backend.await(DEVICE, Ready.afterEvent(event));
      assertThat(engine.isComplete(event)).isTrue();
      backend.destroy(DEVICE, event);
    }
  }

  @Test
  void withoutAQueueTheHostWaits() {
    try (OpenClEngine engine = new OpenClEngine();
        DeviceArray device = counting(32, TO_DEVICE.withStream(Stream.ofHandle(engine.queue())))) {
      engine.fill(device.address(), 5, 32);
      long filled = engine.marker();
      Memory pending =
          device
              .open(Options.defaults())
              .withReady(Ready.afterStream(Stream.ofHandle(engine.queue())));
      long struct = Dlpack.export(pending);
      assertThat(engine.isComplete(filled)).isTrue();
      engine.releaseEvents(filled);
      Dlpack.delete(struct);
    }
  }

  @Test
  void aDeviceThatIsNotThereIsNamed() {
    Options options = Options.defaults().withDevice(new Device(DeviceType.OPENCL, 4711));
    assertThatThrownBy(() -> DeviceArray.from(Memory.borrow(64, DType.UINT8, 1), options))
        .isInstanceOf(DeviceMismatchException.class)
        .hasMessageMatching(
            "Cannot use opencl:4711: this system has \\d+ OpenCL devices, from opencl:0 on");
  }

  @Test
  void opaqueMemoryIsNeverMisalignedButItsOffsetCanBe() {
    try (DeviceArray device = counting(64, TO_DEVICE)) {
      Options aligned = Options.defaults().withAlignment(64);
      Memory start = Memory.borrow(device.address(), DType.UINT8, 8).withDevice(DEVICE);
      try (DeviceArray shared = DeviceArray.from(start, aligned);
          DeviceArray copied = DeviceArray.from(start.withByteOffset(8), aligned)) {
        assertThat(shared.outcome().isZeroCopy()).isTrue();
        assertThat(copied.outcome().reason()).isEqualTo(CopyReason.ALIGNMENT);
      }
    }
  }
}
