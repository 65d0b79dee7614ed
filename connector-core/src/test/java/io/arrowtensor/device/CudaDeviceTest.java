package io.arrowtensor.device;

import static io.arrowtensor.device.CudaEngine.DEVICE;
import static io.arrowtensor.device.CudaEngine.counting;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

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
import io.arrowtensor.Stream;
import io.arrowtensor.dlpack.Dlpack;
import io.arrowtensor.internal.Backends;
import io.arrowtensor.internal.TestNative;
import io.arrowtensor.testing.DlpackStruct;
import io.arrowtensor.testing.NoLeaks;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Memory of a real CUDA device, where there is one. {@link CudaTransferTest} has its double. */
@ExtendWith(NoLeaks.class)
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class CudaDeviceTest {
  private static final Options TO_HOST = Options.defaults().withDevice(Device.CPU);
  private static final Options TO_DEVICE = Options.defaults().withDevice(DEVICE);

  private CudaEngine engine;

  @BeforeAll
  static void requireADevice() {
    CudaEngine.requireADevice();
  }

  @BeforeEach
  void start() {
    engine = new CudaEngine();
  }

  @AfterEach
  void end() {
    engine.close();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 7, 4096, 100_000, 64 << 20})
  void bytesComeBackAsTheyWent(int size) {
    try (DeviceArray device = counting(size);
        DeviceArray host = DeviceArray.from(device, TO_HOST)) {
      assertThat(device.device()).isEqualTo(DEVICE);
      assertThat(device.outcome()).isEqualTo(Outcome.copied(size, CopyReason.TRANSFER));
      assertThat(device.alignment()).isGreaterThanOrEqualTo(256);
      assertThat(engine.peek(device, size - 1)).isEqualTo((byte) (size - 1));
      assertThat(host.device()).isEqualTo(Device.CPU);
      assertThat(host.outcome()).isEqualTo(Outcome.copied(size, CopyReason.TRANSFER));
      ByteBuffer bytes = host.byteBuffer();
      int right = 0;
      for (int i = 0; i < size; i++) {
        right += bytes.get(i) == (byte) i ? 1 : 0;
      }
      assertThat(right).isEqualTo(size);
    }
  }

  @Test
  void emptyArraysAreTransferredWithoutACopy() {
    try (DeviceArray device = DeviceArray.from(Memory.borrow(0, DType.FLOAT32, 0, 4), TO_DEVICE);
        DeviceArray host = DeviceArray.from(device, TO_HOST)) {
      assertThat(host.shape()).containsExactly(0, 4);
    }
  }

  @Test
  void stridedHostMemoryIsStraightened() {
    try (DeviceArray host = DeviceArray.from(Memory.allocate(DType.UINT8, 6))) {
      for (int i = 0; i < 6; i++) {
        host.byteBuffer().put(i, (byte) i);
      }
      Memory transposed = Memory.borrow(host.address(), DType.UINT8, 3, 2).withStrides(1, 3);
      try (DeviceArray device = DeviceArray.from(transposed, TO_DEVICE)) {
        assertThat(device.outcome()).isEqualTo(Outcome.copied(12, CopyReason.TRANSFER));
        assertThat(engine.peek(device, 1)).isEqualTo((byte) 3);
      }
    }
  }

  @Test
  void aSliceKeepsItsOffset() {
    try (DeviceArray device = counting(64)) {
      Memory tail =
          Memory.borrow(device.address(), DType.UINT8, 8).withDevice(DEVICE).withByteOffset(40);
      DlpackStruct struct = DlpackStruct.versioned(Dlpack.export(tail));
      assertThat(struct.data() + struct.byteOffset()).isEqualTo(device.address() + 40);
      try (DeviceArray taken = DeviceArray.from(Dlpack.take(struct.address()));
          DeviceArray host = DeviceArray.from(taken, TO_HOST);
          DeviceArray copy = DeviceArray.from(taken, Options.defaults().withCopy(Copy.ALWAYS))) {
        assertThat(host.byteBuffer().get(7)).isEqualTo((byte) 47);
        assertThat(copy.address()).isNotEqualTo(device.address());
        assertThat(copy.outcome()).isEqualTo(Outcome.copied(8, CopyReason.REQUESTED));
        assertThat(engine.peek(copy, 7)).isEqualTo((byte) 47);
      }
    }
  }

  @Test
  void theDeviceOfAnAddressIsFound() {
    try (DeviceArray device = counting(8)) {
      assertThat(Backends.deviceOf(DeviceType.CUDA, device.address() + 3)).isEqualTo(DEVICE);
    }
  }

  /** A fault would spoil the context for every user in the process. */
  @Test
  void hostMemoryThatClaimsToBeTheDevicesIsRefusedAndTheContextLivesOn() {
    try (DeviceArray host = DeviceArray.from(Memory.allocate(DType.UINT8, 8))) {
      Memory lie = Memory.borrow(host.address(), DType.UINT8, 8).withDevice(DEVICE);
      assertThatThrownBy(() -> DeviceArray.from(lie, TO_HOST))
          .isInstanceOf(DeviceMismatchException.class)
          .hasMessageContaining("cuPointerGetAttribute")
          .hasMessageEndingWith("failed with CUDA_ERROR_INVALID_VALUE (1)");
    }
    bytesComeBackAsTheyWent(7);
  }

  @Test
  void aCopyThatTheDeviceHasNoRoomForIsAnErrorThatHarmsNothing() {
    try (DeviceArray device = counting(64)) {
      Memory lie = Memory.borrow(device.address(), DType.UINT8, 1L << 40).withDevice(DEVICE);
      assertThatThrownBy(() -> DeviceArray.from(lie, Options.defaults().withCopy(Copy.ALWAYS)))
          .isInstanceOf(DeviceMismatchException.class)
          .hasMessageContaining("cuMemAlloc_v2")
          .hasMessageEndingWith("failed with CUDA_ERROR_OUT_OF_MEMORY (2)");
    }
    bytesComeBackAsTheyWent(7);
  }

  @Test
  void aDeviceThatIsNotThereIsNamed() {
    Options options = Options.defaults().withDevice(Device.cuda(4711));
    assertThatThrownBy(() -> DeviceArray.from(Memory.borrow(64, DType.UINT8, 1), options))
        .isInstanceOf(DeviceMismatchException.class)
        .hasMessageMatching(
            "Cannot use cuda:4711: this system has \\d+ CUDA devices, from cuda:0 on");
  }

  @Test
  void pinnedMemoryIsTheHostsAndGoesToTheDevice() {
    long address = engine.pinned(8);
    Memory pinned =
        Memory.borrow(address, DType.UINT8, 8)
            .withDevice(new Device(DeviceType.CUDA_HOST, 0))
            .withReadOnly(false);
    try (DeviceArray host = DeviceArray.from(pinned)) {
      assertThat(host.address()).isEqualTo(address);
      host.byteBuffer().put(5, (byte) 55);
      try (DeviceArray device = DeviceArray.from(host, TO_DEVICE)) {
        assertThat(engine.peek(device, 5)).isEqualTo((byte) 55);
      }
    }
  }

  @Test
  void pinnedMemoryIsMadeWhenAskedForAndGivenBack() {
    Options pinned = Options.defaults().withDevice(new Device(DeviceType.CUDA_HOST, 0));
    try (DeviceArray device = counting(100_000);
        DeviceArray ofDevice = DeviceArray.from(device, pinned);
        DeviceArray ofHost = counting(100_000, pinned)) {
      assertThat(ofDevice.byteBuffer()).isEqualTo(ofHost.byteBuffer());
      ofHost.byteBuffer().put(99_999, (byte) 42);
      try (DeviceArray back = DeviceArray.from(ofHost, TO_DEVICE)) {
        assertThat(engine.peek(back, 99_999)).isEqualTo((byte) 42);
      }
    }
  }

  @Test
  void managedMemoryIsReadWhereItIs() {
    long address = engine.managed(8);
    Memory managed =
        Memory.borrow(address, DType.UINT8, 8).withDevice(new Device(DeviceType.CUDA_MANAGED, 0));
    try (DeviceArray shared = DeviceArray.from(managed)) {
      engine.fill(Stream.DEFAULT, shared, 66);
      engine.finish(Stream.DEFAULT);
      assertThat(shared.address()).isEqualTo(address);
      assertThat(shared.byteBuffer().get(7)).isEqualTo((byte) 66);
    }
  }

  /** The thread has no context of its own. */
  @Test
  void aForeignThreadsDeleterGivesTheMemoryBack() {
    long before = engine.freeBytes();
    try (DeviceArray host = DeviceArray.from(Memory.allocate(DType.UINT8, 64 << 20))) {
      DlpackStruct struct = DlpackStruct.versioned(Dlpack.export(host, TO_DEVICE));
      assertThat(engine.freeBytes()).isLessThan(before);
      TestNative.call("on_thread", struct.deleter(), struct.address());
    }
    assertThat(engine.freeBytes()).isEqualTo(before);
  }

  @Test
  void aThousandTransfersLeaveNothingOnTheDevice() {
    counting(100_000).close();
    long before = engine.freeBytes();
    for (int i = 0; i < 1000; i++) {
      counting(100_000).close();
    }
    assertThat(engine.freeBytes()).isEqualTo(before);
  }

  @Test
  void threadsTransferAtTheSameTime() throws Exception {
    List<FutureTask<Integer>> tasks = new ArrayList<>();
    for (int t = 0; t < 8; t++) {
      int size = 1000 + t;
      tasks.add(new FutureTask<>(() -> roundTrips(size)));
    }
    for (FutureTask<Integer> task : tasks) {
      new Thread(task, "transfers").start();
    }
    for (FutureTask<Integer> task : tasks) {
      assertThat(task.get()).isEqualTo(100);
    }
  }

  private static int roundTrips(int size) {
    int right = 0;
    for (int i = 0; i < 100; i++) {
      try (DeviceArray device = counting(size);
          DeviceArray host = DeviceArray.from(device, TO_HOST)) {
        right += host.byteBuffer().get(size - 1) == (byte) (size - 1) ? 1 : 0;
      }
    }
    return right;
  }
}
