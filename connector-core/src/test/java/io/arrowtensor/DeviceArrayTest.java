package io.arrowtensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.dlpack.Dlpack;
import io.arrowtensor.internal.LeakReports;
import io.arrowtensor.internal.Native;
import io.arrowtensor.internal.NativeLibrary;
import io.arrowtensor.internal.Scope;
import io.arrowtensor.testing.DlpackStruct;
import io.arrowtensor.testing.NoLeaks;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Arrays over memory of the test's own. */
@ExtendWith(NoLeaks.class)
class DeviceArrayTest {
  private static final int BYTES = 8192;
  private static final Options DEFAULTS = Options.defaults();

  private final AtomicInteger released = new AtomicInteger();
  private long data;

  @BeforeEach
  void allocate() {
    NativeLibrary.require();
    data = Native.allocate(BYTES, 4096);
    for (int i = 0; i < BYTES; i++) {
      DlpackStruct.buffer(data + i, 1).put(0, (byte) i);
    }
  }

  @AfterEach
  void free() {
    Native.free(data);
  }

  private Memory floats(long... shape) {
    return Memory.borrow(data, DType.FLOAT32, shape)
        .withOwner((Runnable) released::incrementAndGet);
  }

  @Test
  void printsLikeNumpysHeaderLineWithDeviceAlignmentAndOutcome() {
    Memory memory =
        floats(100, 8).withDimNames(List.of("row", "column")).withDevice(Device.cuda(1));
    DeviceArray array = DeviceArray.from(memory);
    assertThat(array)
        .hasToString(
            "DeviceArray(shape=(100, 8), dtype=float32, strides=(8, 1), dims=[row, column],"
                + " device=cuda:1, read-only, align=4096, zero-copy 3200 B)");
    array.close();
    assertThat(array)
        .hasToString(
            "DeviceArray(shape=(100, 8), dtype=float32, strides=(8, 1), dims=[row, column],"
                + " device=cuda:1, read-only, closed, zero-copy 3200 B)");
  }

  @ParameterizedTest
  @CsvSource({"0, 4096", "1, 1", "2, 2", "4, 4", "48, 16", "64, 64", "4032, 64"})
  void alignmentIsThatOfTheFirstElement(long offset, int alignment) {
    try (DeviceArray array =
        DeviceArray.from(Memory.borrow(data, DType.INT8, 16).withByteOffset(offset))) {
      assertThat(array.alignment()).isEqualTo(alignment);
      assertThat(array.address()).isEqualTo(data + offset);
    }
  }

  @Test
  void askedForMoreAlignmentItCopies() {
    Memory odd = floats(10).withByteOffset(4);
    try (DeviceArray array = DeviceArray.from(odd, DEFAULTS.withAlignment(256))) {
      assertThat(array.outcome()).isEqualTo(Outcome.copied(40, CopyReason.ALIGNMENT));
      assertThat(array.alignment()).isGreaterThanOrEqualTo(256);
      assertThat(array.byteBuffer().get(0)).isEqualTo((byte) 4);
    }
    assertThatThrownBy(
            () ->
                DeviceArray.from(
                    floats(10).withByteOffset(4), DEFAULTS.withAlignment(256).withCopy(Copy.NEVER)))
        .isInstanceOf(CopyRefusedException.class)
        .hasMessageContaining("(ALIGNMENT)");
    Memory empty = Memory.borrow(data + 1, DType.INT8, 0);
    try (DeviceArray array =
        DeviceArray.from(empty, DEFAULTS.withAlignment(64).withCopy(Copy.NEVER))) {
      assertThat(array.outcome().isZeroCopy()).isTrue();
    }
    assertThat(released).hasValue(2);
  }

  @Test
  void buffersShareTheMemoryAndItsAccess() {
    try (DeviceArray readOnly = DeviceArray.from(floats(100));
        DeviceArray writable = DeviceArray.from(floats(100).withReadOnly(false))) {
      ByteBuffer buffer = writable.byteBuffer();
      assertThat(buffer.order()).isEqualTo(ByteOrder.nativeOrder());
      assertThat(buffer.capacity()).isEqualTo(400);
      buffer.putInt(8, 77);
      assertThat(readOnly.byteBuffer().getInt(8)).isEqualTo(77);
      assertThat(readOnly.byteBuffer().isReadOnly()).isTrue();
      assertThat(readOnly.byteBuffer(8, 4).getInt(0)).isEqualTo(77);
      assertThat(readOnly.byteBuffer(400, 0).capacity()).isZero();
    }
  }

  @ParameterizedTest
  @CsvSource({"-1, 4", "0, -1", "0, 401", "397, 4", "9223372036854775807, 1"})
  void windowsOutsideTheArrayAreRefused(long offset, int length) {
    try (DeviceArray array = DeviceArray.from(floats(100))) {
      assertThatThrownBy(() -> array.byteBuffer(offset, length))
          .isInstanceOf(IndexOutOfBoundsException.class)
          .hasMessage(
              "Invalid window of " + length + " bytes at " + offset + ": the array has 400 bytes");
    }
  }

  @Test
  void theSpanOfStridedElementsIsReadByTheirStrides() {
    Memory memory = floats(3, 2).withStrides(8, 2).withByteOffset(16).withReadOnly(false);
    try (DeviceArray array = DeviceArray.from(memory)) {
      ByteBuffer span = array.spanBuffer();
      assertThat(span.isReadOnly()).as("what lies between may be another's").isTrue();
      assertThat(span.order()).isEqualTo(ByteOrder.nativeOrder());
      assertThat(span.capacity()).as("to the end of element (2, 1)").isEqualTo(4 * (2 * 8 + 2) + 4);
      assertThat(span.get((2 * 8 + 2) * 4)).isEqualTo((byte) (16 + (2 * 8 + 2) * 4));
      assertThat(span.asFloatBuffer().get(8)).isEqualTo(floatAt(16 + 4 * 8));
    }
    try (DeviceArray empty = DeviceArray.from(floats(0, 2).withStrides(8, 2))) {
      assertThat(empty.spanBuffer().capacity()).isZero();
    }
    try (DeviceArray backwards = DeviceArray.from(floats(4).withStrides(-1).withByteOffset(16))) {
      assertThatThrownBy(backwards::spanBuffer)
          .isInstanceOf(InterchangeException.class)
          .hasMessage(
              "Cannot view the span of an array of float32 with strides [-1] for shape [4]:"
                  + " expected whole bytes, at most 2 GiB, none before the first element; copy it"
                  + " with contiguous(Options)");
    }
  }

  private float floatAt(int offset) {
    return DlpackStruct.buffer(data + offset, 4).order(ByteOrder.nativeOrder()).getFloat(0);
  }

  /** The system gives memory only where it is touched: two pages of three GiB. */
  @Test
  void memoryPastTwoGigabytesIsReadInWindows() {
    long bytes = 3L << 30;
    long address = Native.allocate(bytes, 4096);
    DlpackStruct.buffer(address + bytes - 8, 8).putLong(0, 42);
    Memory memory =
        Memory.borrow(address, DType.INT64, bytes / 8).withOwner(() -> Native.free(address));
    try (DeviceArray array = DeviceArray.from(memory)) {
      assertThat(array.byteBuffer(bytes - 8, 8).getLong(0)).isEqualTo(42);
      assertThat(array.byteBuffer(1L << 30, Integer.MAX_VALUE).capacity())
          .isEqualTo(Integer.MAX_VALUE);
      assertThatThrownBy(array::byteBuffer)
          .isInstanceOf(InterchangeException.class)
          .hasMessage(
              "Cannot view 3221225472 bytes as one ByteBuffer: the limit is 2 GiB; take windows"
                  + " with byteBuffer(offset, length)");
    }
  }

  @Test
  void closeIsIdempotentAndAClosedArrayRefusesItsMemory() {
    DeviceArray array = DeviceArray.from(floats(10));
    array.close();
    array.close();
    assertThat(released).hasValue(1);
    assertThat(array.isClosed()).isTrue();
    assertThat(array.shape()).containsExactly(10);
    String message = "Cannot use an array that was closed: keep it open while it is used";
    List<org.assertj.core.api.ThrowableAssert.ThrowingCallable> uses =
        List.of(
            array::address,
            array::alignment,
            array::byteBuffer,
            () -> array.contiguous(DEFAULTS),
            () -> DeviceArray.from(array),
            () -> Dlpack.export(array));
    for (var use : uses) {
      assertThatThrownBy(use).isInstanceOf(IllegalStateException.class).hasMessage(message);
    }
    assertThat(released).hasValue(1);
  }

  @Test
  void viewsAndExportsOutliveTheArray() {
    DeviceArray array = DeviceArray.from(floats(10));
    DeviceArray view = DeviceArray.from(array);
    DlpackStruct struct = DlpackStruct.versioned(Dlpack.export(array));
    array.close();
    assertThat(view.byteBuffer().get(1)).isEqualTo((byte) 1);
    view.close();
    assertThat(released).hasValue(0);
    struct.delete();
    assertThat(released).hasValue(1);
  }

  @Test
  void shapesAndStridesAreHandedOutAsCopies() {
    try (DeviceArray array = DeviceArray.from(floats(10))) {
      array.shape()[0] = 99;
      array.strides()[0] = 99;
      assertThat(array.shape()).containsExactly(10);
      assertThat(array.strides()).containsExactly(1);
    }
  }

  @Test
  void memoryElsewhereIsNeverMovedSilently() {
    try (DeviceArray array = DeviceArray.from(floats(10).withDevice(Device.cuda(0)))) {
      assertThat(array.device()).isEqualTo(Device.cuda(0));
      assertThatThrownBy(array::byteBuffer)
          .isInstanceOf(DeviceMismatchException.class)
          .hasMessage(
              "Cannot view as a ByteBuffer memory on cuda:0: the host cannot reach it; transfer it"
                  + " first, with DeviceArray.from(array, Options.defaults().withDevice(Device.CPU))");
    }
    assertThat(released).hasValue(1);
  }

  @Test
  void aDeviceWithoutABackendIsNamed() {
    Device metal = new Device(DeviceType.METAL, 0);
    Device trn = new Device(DeviceType.TRN, 2);
    assertThatThrownBy(() -> DeviceArray.from(floats(10), DEFAULTS.withDevice(metal)))
        .isInstanceOf(DeviceMismatchException.class)
        .hasMessage(
            "Cannot transfer memory on cpu to metal:0: this library has no backend for metal, only"
                + " for cuda and opencl; use that device's own library");
    assertThatThrownBy(
            () -> DeviceArray.from(floats(10).withDevice(metal), DEFAULTS.withDevice(Device.CPU)))
        .isInstanceOf(DeviceMismatchException.class)
        .hasMessageStartingWith("Cannot transfer memory on metal:0 to cpu: this library has no");
    assertThatThrownBy(
            () -> DeviceArray.from(floats(10).withDevice(metal), DEFAULTS.withDevice(trn)))
        .isInstanceOf(DeviceMismatchException.class)
        .hasMessage(
            "Cannot transfer memory on metal:0 to trn:2: this library has no backend for trn, only"
                + " for cuda and opencl; use that device's own library");
    assertThatThrownBy(
            () -> DeviceArray.from(floats(10).withDevice(metal), DEFAULTS.withCopy(Copy.ALWAYS)))
        .isInstanceOf(DeviceMismatchException.class)
        .hasMessageStartingWith(
            "Cannot transfer memory on metal:0 to metal:0: this library has no");
    Memory waiting = floats(10).withDevice(metal).withReady(Ready.afterEvent(0x70));
    assertThatThrownBy(() -> Dlpack.export(waiting))
        .isInstanceOf(DeviceMismatchException.class)
        .hasMessageStartingWith(
            "Cannot order a stream after memory on metal:0: this library has no");
    assertThat(released).hasValue(5);
  }

  @Test
  void aTransferThatIsNotAllowedIsRefusedLikeACopy() {
    assertThatThrownBy(
            () ->
                DeviceArray.from(
                    floats(10), DEFAULTS.withDevice(Device.cuda(0)).withCopy(Copy.NEVER)))
        .isInstanceOf(CopyRefusedException.class)
        .hasMessageEndingWith(
            "a copy is needed (TRANSFER) and Copy.NEVER forbids it; allow it with"
                + " Options.withCopy(Copy.IF_NEEDED)");
    assertThat(released).hasValue(1);
  }

  @Test
  void pinnedMemoryIsTheHostsWithoutCopy() {
    Memory pinned = floats(10).withDevice(new Device(DeviceType.CUDA_HOST, 0));
    Options toHost = DEFAULTS.withDevice(Device.CPU).withCopy(Copy.NEVER);
    try (DeviceArray array = DeviceArray.from(pinned, toHost)) {
      assertThat(array.device()).isEqualTo(Device.CPU);
      assertThat(array.address()).isEqualTo(data);
      assertThat(array.outcome().isZeroCopy()).isTrue();
    }
  }

  @Test
  void stridedMemoryThatTheHostCannotReachIsNotCopied() {
    Memory strided = floats(4, 2).withStrides(1, 4).withDevice(Device.cuda(0));
    assertThatThrownBy(() -> DeviceArray.from(strided, DEFAULTS.withDevice(Device.CPU)))
        .isInstanceOf(DeviceMismatchException.class)
        .hasMessage(
            "Cannot copy an array of shape [4, 2] and strides [1, 4] on cuda:0: the host cannot"
                + " reach it (TRANSFER) and a device copies row-major memory only; make it"
                + " contiguous with the library that made it");
    assertThat(released).hasValue(1);
  }

  @Test
  void readinessTravelsWithTheArrayAndItsViews() {
    Ready ready = Ready.afterStream(Stream.DEFAULT);
    try (DeviceArray array =
            DeviceArray.from(floats(10).withDevice(Device.cuda(0)).withReady(ready));
        DeviceArray view = DeviceArray.from(array)) {
      assertThat(array.ready()).isEqualTo(ready);
      assertThat(view.ready()).isEqualTo(ready);
      Memory export = Memory.forExport(view, DEFAULTS.withStream(Stream.NO_SYNC));
      assertThat(export.ready()).isEqualTo(ready);
      export.release();
    }
    assertThat(released).hasValue(1);
  }

  @Test
  void hostMemoryHasNoStream() {
    for (Stream stream : List.of(Stream.DEFAULT, Stream.NO_SYNC, Stream.ofHandle(0x77))) {
      assertThatThrownBy(() -> DeviceArray.from(floats(10), DEFAULTS.withStream(stream)))
          .isInstanceOf(DeviceMismatchException.class)
          .hasMessageContaining("host memory has no stream");
    }
    assertThat(released).hasValue(3);
  }

  @Test
  void writeAccessToReadOnlyMemoryIsACopy() {
    Options writable = DEFAULTS.withAccess(Access.WRITABLE);
    try (DeviceArray array = DeviceArray.from(floats(10), writable)) {
      assertThat(array.outcome()).isEqualTo(Outcome.copied(40, CopyReason.READ_ONLY));
      assertThat(array.isReadOnly()).isFalse();
    }
    try (DeviceArray array = DeviceArray.from(floats(10).withReadOnly(false), writable)) {
      assertThat(array.outcome().isZeroCopy()).isTrue();
    }
    Options readOnly = DEFAULTS.withAccess(Access.READ_ONLY);
    try (DeviceArray array = DeviceArray.from(floats(10).withReadOnly(false), readOnly)) {
      assertThat(array.isReadOnly()).isTrue();
    }
  }

  @Test
  void borrowedArraysEndWithTheirBatch() throws InterruptedException {
    Scope scope = new Scope("the batch of partition 3");
    DeviceArray array = DeviceArray.from(Memory.borrow(data, DType.FLOAT32, 10).withScope(scope));
    assertThat(array.address()).isEqualTo(data);
    scope.end(Duration.ZERO);
    assertThatThrownBy(array::address)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage(
            "Cannot use an array after the batch of partition 3 has ended: it borrowed its memory;"
                + " copy or export it while the function runs");
  }

  @Test
  void exportsOfBorrowedMemoryAreCountedCopies() throws InterruptedException {
    Scope scope = new Scope("the batch");
    DeviceArray array = DeviceArray.from(Memory.borrow(data, DType.FLOAT32, 10).withScope(scope));
    DlpackStruct struct = DlpackStruct.versioned(Dlpack.export(array));
    assertThat(struct.data()).isNotEqualTo(data);
    assertThat(struct.flags()).as("IS_COPIED").isEqualTo(2);
    assertThatThrownBy(() -> Dlpack.export(array, DEFAULTS.withCopy(Copy.NEVER)))
        .isInstanceOf(CopyRefusedException.class)
        .hasMessageContaining("(BORROWED)");
    scope.end(Duration.ZERO);
    struct.delete();
  }

  @Test
  void exportsForTheScopeShareTheMemoryAndHoldItsEnd() throws InterruptedException {
    Scope scope = new Scope("the batch");
    DeviceArray array = DeviceArray.from(Memory.borrow(data, DType.FLOAT32, 10).withScope(scope));
    Options pinned = DEFAULTS.withLifetime(Lifetime.SCOPE);
    DlpackStruct struct = DlpackStruct.versioned(Dlpack.export(array, pinned));
    assertThat(struct.data()).isEqualTo(data);
    assertThatThrownBy(() -> scope.end(Duration.ofMillis(20)))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("an array of shape [10] at 0x" + Long.toHexString(data))
        .hasMessageContaining("export with Lifetime.DETACHED");
    struct.delete();
    scope.end(Duration.ZERO);
  }

  @Test
  void theEndOfAScopeWaitsForAConsumerOnAnotherThread() throws InterruptedException {
    Scope scope = new Scope("the batch");
    DeviceArray array = DeviceArray.from(Memory.borrow(data, DType.FLOAT32, 10).withScope(scope));
    DlpackStruct struct =
        DlpackStruct.versioned(Dlpack.export(array, DEFAULTS.withLifetime(Lifetime.SCOPE)));
    Thread consumer = new Thread(struct::delete);
    consumer.start();
    scope.end(Duration.ofSeconds(30));
    consumer.join();
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 3, 96, 8192})
  void alignmentsThatAreNoneAreRefused(int bytes) {
    assertThatThrownBy(() -> DEFAULTS.withAlignment(bytes))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("Invalid alignment " + bytes + ": expected 0 or a power of two up to 4096");
  }

  @Test
  void aForgottenArrayIsReportedOnceAndNotFreed() {
    Logger logger = Logger.getLogger(LeakReports.class.getName());
    Reports reports = new Reports();
    logger.addHandler(reports);
    logger.setUseParentHandlers(false);
    try {
      LeakReports.report();
      reports.count = 0;
      forget();
      for (int i = 0; i < 200 && reports.count == 0; i++) {
        System.gc();
        LeakReports.report();
      }
      System.gc();
      LeakReports.report();
      assertThat(reports.count).as("reports").isEqualTo(1);
      assertThat(reports.last).startsWith("A DeviceArray of 40 bytes was never closed");
      assertThat(reports.site).hasStackTraceContaining("DeviceArrayTest.forget");
      assertThat(released).as("releases").hasValue(0);
    } finally {
      logger.removeHandler(reports);
      logger.setUseParentHandlers(true);
    }
  }

  private void forget() {
    assertThat(DeviceArray.from(floats(10)).size()).isEqualTo(10);
  }

  private static final class Reports extends Handler {
    private int count;
    private String last = "";
    private Throwable site;

    @Override
    public void publish(LogRecord record) {
      count++;
      last = record.getMessage();
      site = record.getThrown();
    }

    @Override
    public void flush() {}

    @Override
    public void close() {}
  }
}
