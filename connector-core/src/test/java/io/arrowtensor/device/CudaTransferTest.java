package io.arrowtensor.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.Copy;
import io.arrowtensor.CopyReason;
import io.arrowtensor.CopyRefusedException;
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
import io.arrowtensor.internal.TestNative;
import io.arrowtensor.testing.DlpackStruct;
import io.arrowtensor.testing.NoLeaks;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Copies to, from and between devices, against the double of CUDA's driver. */
@ExtendWith(NoLeaks.class)
class CudaTransferTest {
  private static final Options TO_HOST = Options.defaults().withDevice(Device.CPU);
  private static final Options TO_DEVICE = Options.defaults().withDevice(Device.cuda(0));
  private static final Device PINNED = new Device(DeviceType.CUDA_HOST, 0);

  private CudaDouble cuda;

  @BeforeEach
  void useTheDouble() {
    cuda = new CudaDouble();
  }

  @AfterEach
  void closeTheDouble() {
    cuda.close();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 7, 4096, 100_000})
  void bytesComeBackAsTheyWent(int size) {
    try (DeviceArray device = CudaDouble.counting(Device.cuda(1), size)) {
      assertThat(device.device()).isEqualTo(Device.cuda(1));
      assertThat(device.outcome()).isEqualTo(Outcome.copied(size, CopyReason.TRANSFER));
      assertThat(device.isReadOnly()).isFalse();
      assertThat(device.ready().isNow()).isTrue();
      assertThat(cuda.peek(device, size - 1)).isEqualTo((byte) (size - 1));
      try (DeviceArray host = DeviceArray.from(device, TO_HOST)) {
        assertThat(host.device()).isEqualTo(Device.CPU);
        assertThat(host.outcome()).isEqualTo(Outcome.copied(size, CopyReason.TRANSFER));
        assertThat(host.alignment()).isGreaterThanOrEqualTo(64);
        for (int i = 0; i < size; i++) {
          assertThat(host.byteBuffer().get(i)).isEqualTo((byte) i);
        }
      }
    }
  }

  @Test
  void nothingMovesUnlessAsked() {
    try (DeviceArray device = CudaDouble.counting(Device.cuda(0), 8)) {
      cuda.calls();
      try (DeviceArray stays = DeviceArray.from(device);
          DeviceArray named = DeviceArray.from(device, TO_DEVICE.withCopy(Copy.NEVER))) {
        assertThat(stays.address()).isEqualTo(device.address());
        assertThat(named.address()).isEqualTo(device.address());
        assertThat(named.outcome().isZeroCopy()).isTrue();
      }
      assertThatThrownBy(() -> DeviceArray.from(device, TO_HOST.withCopy(Copy.NEVER)))
          .isInstanceOf(CopyRefusedException.class)
          .hasMessageContaining("a copy is needed (TRANSFER) and Copy.NEVER forbids it");
      assertThat(cuda.calls()).isEmpty();
    }
  }

  @Test
  void aTransferRunsAfterTheWorkOfTheStreamThatIsNamed() {
    Stream consumer = cuda.stream(3);
    try (DeviceArray earlier = CudaDouble.counting(Device.cuda(0), 8);
        DeviceArray host = DeviceArray.from(Memory.allocate(DType.FLOAT64, 4))) {
      cuda.fillLater(consumer, earlier, 77);
      try (DeviceArray device = DeviceArray.from(host, TO_DEVICE.withStream(consumer))) {
        assertThat(device.shape()).containsExactly(4);
      }
      assertThat(cuda.peek(earlier, 5)).as("the work before the copy").isEqualTo((byte) 77);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void theDefaultStreamsHaveCudasNumbers(int number) {
    Stream consumer = Stream.of(number, DeviceType.CUDA);
    try (DeviceArray earlier = CudaDouble.counting(Device.cuda(0), 8);
        DeviceArray other = CudaDouble.counting(Device.cuda(0), 8)) {
      TestNative.call("cuda_double_push", 0);
      cuda.fillLater(consumer, earlier, 9);
      TestNative.call("cuda_double_pop");
      Options copy = Options.defaults().withCopy(Copy.ALWAYS).withStream(consumer);
      DeviceArray.from(other, copy).close();
      assertThat(cuda.peek(earlier, 0)).isEqualTo((byte) 9);
    }
  }

  @Test
  void anAlignmentThatTheDeviceDoesNotGiveIsRefused() {
    Options aligned = Options.defaults().withAlignment(4096);
    String message =
        "Cannot align memory on cuda:0 to 4096 bytes: its allocator gave 0x[0-9a-f]+100; ask for"
            + " less with Options.withAlignment";
    try (DeviceArray device = CudaDouble.counting(Device.cuda(0), 8);
        DeviceArray host = DeviceArray.from(Memory.allocate(DType.UINT8, 8))) {
      assertThatThrownBy(() -> DeviceArray.from(device, aligned))
          .isInstanceOf(DeviceMismatchException.class)
          .hasMessageMatching(message);
      assertThatThrownBy(() -> DeviceArray.from(host, aligned.withDevice(Device.cuda(0))))
          .isInstanceOf(DeviceMismatchException.class)
          .hasMessageMatching(message);
      assertThat(TestNative.call("cuda_double_allocations")).isEqualTo(1);
      try (DeviceArray met = DeviceArray.from(device, aligned.withAlignment(256))) {
        assertThat(met.outcome().isZeroCopy()).isTrue();
      }
    }
  }

  @Test
  void theHostHasNoStream() {
    try (DeviceArray device = CudaDouble.counting(Device.cuda(0), 8)) {
      assertThatThrownBy(() -> DeviceArray.from(device, TO_HOST.withStream(Stream.DEFAULT)))
          .isInstanceOf(DeviceMismatchException.class)
          .hasMessage(
              "Cannot use stream default with memory on cpu: host memory has no stream; leave"
                  + " Options.stream() at NONE");
    }
  }

  @Test
  void aCopyOnTheDeviceStaysThere() {
    try (DeviceArray device = CudaDouble.counting(Device.cuda(1), 8);
        DeviceArray copy = DeviceArray.from(device, Options.defaults().withCopy(Copy.ALWAYS))) {
      assertThat(copy.device()).isEqualTo(Device.cuda(1));
      assertThat(copy.outcome()).isEqualTo(Outcome.copied(8, CopyReason.REQUESTED));
      assertThat(copy.address()).isNotEqualTo(device.address());
      assertThat(cuda.peek(copy, 7)).isEqualTo((byte) 7);
      assertThat(cuda.calls()).contains("cuMemcpyDtoDAsync_v2").doesNotContain("cuMemcpyPeerAsync");
    }
  }

  @Test
  void oneDeviceCopiesToAnother() {
    try (DeviceArray zero = CudaDouble.counting(Device.cuda(0), 8);
        DeviceArray one = DeviceArray.from(zero, Options.defaults().withDevice(Device.cuda(1)))) {
      assertThat(one.device()).isEqualTo(Device.cuda(1));
      assertThat(cuda.peek(one, 7)).isEqualTo((byte) 7);
      assertThat(cuda.calls()).contains("cuMemcpyPeerAsync");
    }
  }

  @Test
  void stridedHostMemoryIsStraightenedAndBothCopiesCount() {
    try (DeviceArray host = DeviceArray.from(Memory.allocate(DType.UINT8, 6))) {
      for (int i = 0; i < 6; i++) {
        host.byteBuffer().put(i, (byte) i);
      }
      Memory transposed = Memory.borrow(host.address(), DType.UINT8, 3, 2).withStrides(1, 3);
      try (DeviceArray device = DeviceArray.from(transposed, TO_DEVICE)) {
        assertThat(device.outcome()).isEqualTo(Outcome.copied(12, CopyReason.TRANSFER));
        assertThat(device.isContiguous()).isTrue();
        assertThat(cuda.peek(device, 1)).isEqualTo((byte) 3);
      }
    }
  }

  @Test
  void emptyArraysAreTransferredWithoutACopy() {
    try (DeviceArray device = DeviceArray.from(Memory.borrow(0, DType.FLOAT32, 0, 4), TO_DEVICE);
        DeviceArray host = DeviceArray.from(device, TO_HOST)) {
      assertThat(host.shape()).containsExactly(0, 4);
      assertThat(cuda.calls()).noneMatch(name -> name.startsWith("cuMemcpy"));
    }
  }

  @Test
  void aStructOfAnEngineIsTransferredAndThenDeleted() {
    AtomicInteger released = new AtomicInteger();
    try (DeviceArray device = CudaDouble.counting(Device.cuda(0), 8)) {
      Memory engines =
          Memory.borrow(device.address(), DType.UINT8, 8)
              .withDevice(Device.cuda(0))
              .withOwner((Runnable) released::incrementAndGet);
      long struct = Dlpack.export(engines);
      try (DeviceArray host = DeviceArray.from(Dlpack.take(struct), TO_HOST)) {
        assertThat(released).as("deleted when the copy is there").hasValue(1);
        assertThat(host.byteBuffer().get(3)).isEqualTo((byte) 3);
      }
    }
  }

  @Test
  void anExportThatTransfersHandsOutMemoryOfItsOwn() {
    try (DeviceArray host = DeviceArray.from(Memory.allocate(DType.UINT8, 8))) {
      DlpackStruct struct = DlpackStruct.versioned(Dlpack.export(host, TO_DEVICE));
      assertThat(struct.deviceType()).isEqualTo(2);
      assertThat(struct.flags()).as("IS_COPIED").isEqualTo(2);
      TestNative.call("on_thread", struct.deleter(), struct.address());
    }
  }

  @ParameterizedTest
  @CsvSource({"2", "-1"})
  void aDeviceThatIsNotThereIsNamed(int id) {
    Memory host = Memory.borrow(64, DType.UINT8, 1);
    Options options = Options.defaults().withDevice(Device.cuda(id));
    assertThatThrownBy(() -> DeviceArray.from(host, options))
        .isInstanceOf(DeviceMismatchException.class)
        .hasMessage("Cannot use cuda:" + id + ": this system has 2 CUDA devices, from cuda:0 on");
  }

  @Test
  void memoryOfAnotherDeviceThanTheStructSaysIsNotRead() {
    try (DeviceArray one = CudaDouble.counting(Device.cuda(1), 8)) {
      Memory lie = Memory.borrow(one.address(), DType.UINT8, 8).withDevice(Device.cuda(0));
      assertThatThrownBy(() -> DeviceArray.from(lie, TO_HOST))
          .isInstanceOf(DeviceMismatchException.class)
          .hasMessage(
              "Cannot copy memory at 0x%x as cuda:0: CUDA says it is cuda:1's"
                  .formatted(one.address()));
    }
    Memory host = Memory.borrow(64, DType.UINT8, 8).withDevice(Device.cuda(0));
    assertThatThrownBy(() -> DeviceArray.from(host, TO_HOST))
        .isInstanceOf(DeviceMismatchException.class)
        .hasMessageContaining("cuPointerGetAttribute")
        .hasMessageEndingWith("failed with error 1");
  }

  @ParameterizedTest
  @CsvSource({
    "cuMemAlloc_v2, 2, CUDA_ERROR_OUT_OF_MEMORY (2)",
    "cuMemcpyHtoDAsync_v2, 700, error 700",
    "cuStreamSynchronize, 999, error 999"
  })
  void aCallThatFailsLeavesNothingBehind(String function, int status, String name) {
    AtomicInteger released = new AtomicInteger();
    Memory host = Memory.borrow(64, DType.UINT8, 1).withOwner((Runnable) released::incrementAndGet);
    cuda.fail(function, status);
    assertThatThrownBy(() -> DeviceArray.from(host, TO_DEVICE))
        .isInstanceOf(DeviceMismatchException.class)
        .hasMessageStartingWith("Cannot complete a call to CUDA: " + function + " of ")
        .hasMessageEndingWith("failed with " + name);
    assertThat(released).hasValue(1);
  }

  @Test
  void pinnedMemoryIsMadeWhenAskedForAndIsTheHosts() {
    Options pinned = Options.defaults().withDevice(PINNED);
    try (DeviceArray device = CudaDouble.counting(Device.cuda(1), 8);
        DeviceArray host = DeviceArray.from(device, TO_HOST)) {
      cuda.calls();
      try (DeviceArray ofDevice = DeviceArray.from(device, pinned);
          DeviceArray ofHost = DeviceArray.from(host, pinned)) {
        for (DeviceArray made : new DeviceArray[] {ofDevice, ofHost}) {
          assertThat(made.device()).isEqualTo(PINNED);
          assertThat(made.outcome()).isEqualTo(Outcome.copied(8, CopyReason.TRANSFER));
          assertThat(made.byteBuffer().get(7)).isEqualTo((byte) 7);
        }
        assertThat(cuda.calls())
            .containsSubsequence("cuMemHostAlloc", "cuMemcpyDtoHAsync_v2", "cuStreamSynchronize")
            .containsSubsequence("cuMemHostAlloc", "cuMemcpyAsync", "cuStreamSynchronize");
        ofHost.byteBuffer().put(7, (byte) 70);
        try (DeviceArray back = DeviceArray.from(ofHost, TO_DEVICE);
            DeviceArray shared = DeviceArray.from(ofHost, TO_HOST)) {
          assertThat(cuda.peek(back, 7)).isEqualTo((byte) 70);
          assertThat(shared.address()).as("the host reaches it").isEqualTo(ofHost.address());
          assertThat(shared.outcome().isZeroCopy()).isTrue();
        }
      }
      assertThat(cuda.calls()).contains("cuMemFreeHost");
    }
  }

  @Test
  void copiesOfPinnedMemoryArePinnedWhereThatIsAskedFor() {
    Options pinned = Options.defaults().withDevice(PINNED);
    try (DeviceArray device = CudaDouble.counting(Device.cuda(0), 6);
        DeviceArray first = DeviceArray.from(device, pinned);
        DeviceArray again = DeviceArray.from(first, pinned.withCopy(Copy.ALWAYS))) {
      assertThat(again.device()).isEqualTo(PINNED);
      assertThat(again.address()).isNotEqualTo(first.address());
      assertThat(again.outcome()).isEqualTo(Outcome.copied(6, CopyReason.REQUESTED));
      Memory transposed =
          Memory.borrow(first.address(), DType.UINT8, 3, 2).withStrides(1, 3).withDevice(PINNED);
      try (DeviceArray straight = DeviceArray.from(transposed).contiguous(pinned)) {
        assertThat(straight.device()).isEqualTo(PINNED);
        assertThat(straight.byteBuffer().get(1)).isEqualTo((byte) 3);
      }
    }
  }

  @Test
  void newMemoryIsNotManaged() {
    Options managed = Options.defaults().withDevice(new Device(DeviceType.CUDA_MANAGED, 0));
    assertThatThrownBy(() -> DeviceArray.from(Memory.borrow(64, DType.UINT8, 1), managed))
        .isInstanceOf(DeviceMismatchException.class)
        .hasMessage(
            "Cannot allocate memory on cuda_managed:0: new CUDA memory is the device's, cuda:N,"
                + " or pinned, cuda_host:N");
  }

  @Test
  void otherDevicesAreReachedOverTheHost() {
    Options openCl = Options.defaults().withDevice(new Device(DeviceType.OPENCL, 0));
    try (DeviceArray device = CudaDouble.counting(Device.cuda(0), 8)) {
      assertThatThrownBy(() -> DeviceArray.from(device, openCl))
          .isInstanceOf(DeviceMismatchException.class)
          .hasMessage(
              "Cannot transfer memory on cuda:0 to opencl:0 in one step: transfer it to Device.CPU"
                  + " first, and from there");
    }
  }
}
