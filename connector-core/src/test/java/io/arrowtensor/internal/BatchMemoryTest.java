package io.arrowtensor.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.Access;
import io.arrowtensor.ColumnKind;
import io.arrowtensor.CopyReason;
import io.arrowtensor.DType;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.Memory;
import io.arrowtensor.MemoryLimitException;
import io.arrowtensor.Options;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.TensorRows;
import io.arrowtensor.arrow.Vectors;
import java.lang.ref.WeakReference;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.OutOfMemoryException;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.IntVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** When the memory of batches that were passed on is freed, and who waits for that. */
@Timeout(60)
class BatchMemoryTest {
  private static final long ROWS = 1024;
  private static final long BYTES = 8 * ROWS;
  private static final Duration PATIENT = Duration.ofMinutes(5);

  private final long nativeBefore = NativeBytes.held();
  private final BatchMemory memory =
      BatchMemory.open("this test", 4 * BYTES, Duration.ofMillis(300));

  @AfterEach
  void nothingIsHeld() {
    memory.close();
    awaitCollected(() -> NativeBytes.held() == nativeBefore && BatchMemory.heldBytes() == 0);
    TaskAllocators.sweep();
  }

  /** Collects until {@code condition} holds, a bounded time. */
  private static void awaitCollected(BooleanSupplier condition) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (!condition.getAsBoolean() && System.nanoTime() < deadline) {
      System.gc();
      Thread.onSpinWait();
    }
    assertThat(condition.getAsBoolean()).as("what unreachable memory should do").isTrue();
  }

  private DeviceArray allocate() {
    return DeviceArray.from(
        Memory.allocate(DType.INT64, ROWS), Options.defaults().withAllocator(memory.allocator()));
  }

  private OwnedBatch batch() {
    return memory.own(OwnedBatch.of(DeviceColumn.of("x", allocate())));
  }

  private long held() {
    return memory.allocator().getAllocatedMemory();
  }

  @Test
  void aBatchKeepsItsMemoryWhereItIsAndCloseFreesItAtOnce() {
    DeviceArray values = allocate();
    long address = values.address();
    OwnedBatch batch = memory.own(OwnedBatch.of(DeviceColumn.of("x", values)));
    assertThat(values.isClosed()).as("the array that was taken over").isTrue();
    DeviceArray array = batch.column("x").array();
    assertThat(array.address()).isEqualTo(address);
    assertThat(array.isReadOnly()).as("read-only, as others have it too").isTrue();
    assertThat(array.outcome().copiedBytes()).as("bytes copied").isZero();
    assertThat(held()).isEqualTo(BYTES);
    batch.close();
    batch.close();
    assertThat(held()).as("bytes held after close").isZero();
    assertThat(memory.batches()).isZero();
  }

  @Test
  void aForgottenBatchIsFreed() {
    List<OwnedBatch> kept = new ArrayList<>(List.of(batch()));
    for (int i = 0; i < 3; i++) {
      System.gc();
      assertThat(held()).as("bytes held while it is reachable").isEqualTo(BYTES);
    }
    assertThat(kept.remove(0).rowCount()).isEqualTo(ROWS);
    awaitCollected(() -> held() == 0 && memory.batches() == 0);
  }

  @Test
  void anArrayThatIsReachableKeepsItsMemoryAndNoOther() {
    OwnedBatch batch =
        memory.own(
            OwnedBatch.of(DeviceColumn.of("x", allocate()), DeviceColumn.of("y", allocate())));
    DeviceArray kept = batch.column("y").array();
    RawMemory.putLong(kept.address() + 8, 42);
    batch = null;
    awaitCollected(() -> held() == BYTES);
    assertThat(memory.batches()).as("batches of which memory is held").isEqualTo(1);
    System.gc();
    assertThat(RawMemory.longAt(kept.address() + 8)).isEqualTo(42);
    assertThat(kept.isClosed()).as("reachable until here").isFalse();
  }

  @Test
  void viewsOfItNeedNotBeClosedEither() {
    DeviceArray[] view = new DeviceArray[1];
    try (OwnedBatch batch = batch()) {
      view[0] = DeviceArray.from(batch.column("x").values());
    }
    System.gc();
    assertThat(held()).as("bytes held by the view").isEqualTo(BYTES);
    view[0] = null;
    awaitCollected(() -> held() == 0);
  }

  @Test
  void anExportKeepsTheMemoryUntilItIsReleased() {
    OwnedBatch[] batch = {batch()};
    Memory export = Memory.forExport(batch[0].column("x").values(), Options.defaults());
    WeakReference<OwnedBatch> gone = new WeakReference<>(batch[0]);
    batch[0] = null;
    awaitCollected(() -> gone.get() == null);
    System.gc();
    assertThat(held()).as("bytes held by the export").isEqualTo(BYTES);
    assertThat(memory.batches()).isEqualTo(1);
    export.release();
    awaitCollected(() -> held() == 0 && memory.batches() == 0);
  }

  @Test
  void memoryOfOthersIsChargedAndReleasedOnce() {
    AtomicInteger releases = new AtomicInteger();
    long address = Native.allocate(BYTES, 64);
    Memory foreign =
        Memory.borrow(address, DType.INT64, ROWS)
            .withOwner(
                () -> {
                  releases.incrementAndGet();
                  Native.free(address);
                });
    OwnedBatch[] batch = {
      memory.own(OwnedBatch.of(DeviceColumn.of("x", DeviceArray.from(foreign))))
    };
    assertThat(batch[0].column("x").values().address()).isEqualTo(address);
    assertThat(held()).as("bytes charged").isEqualTo(BYTES);
    batch[0] = null;
    awaitCollected(() -> held() == 0 && releases.get() > 0);
    assertThat(releases).hasValue(1);
  }

  @Test
  void stridedMemoryOfOthersIsChargedFromItsFirstToItsLastByte() {
    AtomicInteger releases = new AtomicInteger();
    long address = Native.allocate(BYTES, 64);
    Memory backwards =
        Memory.borrow(address, DType.INT64, 10)
            .withStrides(-2)
            .withByteOffset(18 * 8)
            .withOwner(
                () -> {
                  releases.incrementAndGet();
                  Native.free(address);
                });
    OwnedBatch batch = memory.own(OwnedBatch.of(DeviceColumn.of("x", DeviceArray.from(backwards))));
    assertThat(batch.column("x").values().strides()).containsExactly(-2);
    assertThat(held()).isEqualTo(19 * 8);
    batch.close();
    assertThat(releases).hasValue(1);
  }

  @Test
  void memoryThatNobodyOwnsIsCopied() {
    Scope scope = new Scope("a batch");
    try (DeviceArray source = allocate()) {
      RawMemory.putLong(source.address(), 7);
      Memory lent = Memory.borrow(source.address(), DType.INT64, ROWS).withScope(scope);
      Memory kept = Memory.borrow(source.address(), DType.INT64, ROWS);
      try (OwnedBatch batch =
          memory.own(
              OwnedBatch.of(
                  DeviceColumn.of("lent", DeviceArray.from(lent)),
                  DeviceColumn.of("kept", DeviceArray.from(kept))))) {
        for (DeviceColumn column : batch.columns()) {
          assertThat(column.values().outcome().reason()).isEqualTo(CopyReason.BORROWED);
          assertThat(column.values().outcome().copiedBytes()).isEqualTo(BYTES);
          assertThat(column.values().address()).isNotEqualTo(source.address());
          assertThat(RawMemory.longAt(column.values().address())).isEqualTo(7);
        }
      }
    }
  }

  @Test
  void memoryThatIsLentButOwnedIsSharedAndBoundToTheScopeNoLonger() throws Exception {
    Scope scope = new Scope("a batch");
    OwnedBatch batch;
    long address;
    try (DeviceArray source = allocate()) {
      address = source.address();
      DeviceArray lent = DeviceArray.from(source.open(Options.defaults()).withScope(scope));
      batch = memory.own(OwnedBatch.of(DeviceColumn.of("x", lent)));
    }
    scope.end(Duration.ZERO);
    try (batch) {
      assertThat(batch.column("x").values().address()).isEqualTo(address);
    }
  }

  @Test
  void vectorsMayBeClosedOnceABatchHasTheirMemory() {
    OwnedBatch batch;
    long address;
    try (IntVector vector = new IntVector("x", memory.allocator());
        VectorSchemaRoot root = VectorSchemaRoot.of(vector)) {
      vector.allocateNew(2);
      vector.set(0, 5);
      vector.set(1, 6);
      root.setRowCount(2);
      address = vector.getDataBufferAddress();
      batch = memory.own(DeviceBatch.from(Vectors.view(root)));
    }
    try (batch) {
      assertThat(batch.column("x").values().address()).isEqualTo(address);
      assertThat(held()).as("charged to the task, not to the root").isPositive();
      assertThat(RawMemory.intAt(address + 4)).isEqualTo(6);
    }
    assertThat(held()).isZero();
  }

  @Test
  void everyPartOfAColumnIsKept() {
    Options here = Options.defaults().withAllocator(memory.allocator());
    DeviceArray shapes = DeviceArray.from(Memory.allocate(DType.INT32, 2, 1), here);
    DeviceColumn tensors =
        DeviceColumn.tensors(
            "t",
            DeviceArray.from(Memory.allocate(DType.FLOAT32, 4), here),
            DeviceArray.from(Memory.allocate(DType.INT32, 3), here),
            TensorRows.of(shapes));
    DeviceColumn words =
        DeviceColumn.of(
            "",
            ColumnKind.STRING,
            DeviceArray.from(Memory.allocate(DType.UINT8, 3), here),
            DeviceArray.from(Memory.allocate(DType.INT32, 2), here));
    DeviceColumn indices =
        DeviceColumn.of("i", DeviceArray.from(Memory.allocate(DType.INT8, 2), here))
            .withDictionary(words)
            .withValidity(DeviceArray.from(Memory.allocate(DType.BOOL, 2), here));
    try (OwnedBatch batch = memory.own(OwnedBatch.of(tensors, indices))) {
      assertThat(batch.column("t").kind()).isEqualTo(ColumnKind.TENSOR);
      assertThat(batch.column("t").tensorRows().ndim()).isEqualTo(1);
      assertThat(batch.column("i").dictionary().kind()).isEqualTo(ColumnKind.STRING);
      assertThat(batch.column("i").validity().size()).isEqualTo(2);
    }
    assertThat(held()).isZero();
  }

  @Test
  void whoeverAsksToWriteGetsACopy() {
    try (OwnedBatch batch = batch();
        DeviceArray own =
            DeviceArray.from(
                batch.column("x").values(), Options.defaults().withAccess(Access.WRITABLE))) {
      assertThat(own.address()).isNotEqualTo(batch.column("x").values().address());
    }
  }

  @Test
  void anAllocationAtTheLimitWaitsForABatchToBecomeUnreachable() {
    try (BatchMemory patient = BatchMemory.open("a patient task", BYTES, PATIENT)) {
      for (int i = 0; i < 10; i++) {
        forgetIn(patient);
      }
    }
  }

  private static void forgetIn(BatchMemory memory) {
    assertThat(batchIn(memory).rowCount()).isEqualTo(ROWS);
  }

  private static OwnedBatch batchIn(BatchMemory memory) {
    Options there = Options.defaults().withAllocator(memory.allocator());
    DeviceArray values = DeviceArray.from(Memory.allocate(DType.INT64, ROWS), there);
    return memory.own(OwnedBatch.of(DeviceColumn.of("x", values)));
  }

  @Test
  void anAllocationAtTheLimitWaitsForABatchToBeClosed() throws Exception {
    try (BatchMemory patient = BatchMemory.open("a patient task", BYTES, PATIENT)) {
      OwnedBatch first = batchIn(patient);
      CompletableFuture<OwnedBatch> second = new CompletableFuture<>();
      Thread waiting = new Thread(() -> second.complete(batchIn(patient)));
      waiting.start();
      awaitCollected(() -> waiting.getState() == Thread.State.TIMED_WAITING);
      assertThat(second).isNotDone();
      first.close();
      try (OwnedBatch batch = second.get()) {
        assertThat(batch.rowCount()).isEqualTo(ROWS);
      }
    }
  }

  @Test
  void anAllocationThatWaitsInVainSaysWhoHoldsHowMuch() {
    List<OwnedBatch> held = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      held.add(batch());
    }
    try (DeviceArray own = allocate()) {
      assertThat(own.size()).isEqualTo(ROWS);
      assertThatThrownBy(this::batch)
          .isInstanceOf(MemoryLimitException.class)
          .hasMessageMatching(
              "Cannot allocate 8192 bytes for tensors of this test: 32768 of 32768 are held, 24576"
                  + " of them by 3 batches that were passed on and are reachable, exported or not"
                  + " collected yet, and nothing was freed for 3\\d\\d ms; close batches that only"
                  + " one operator reads when it is done with them, keep fewer in state or in"
                  + " flight, or raise its limit");
    }
    held.forEach(OwnedBatch::close);
    batch().close();
  }

  @Test
  void nothingIsWaitedForWhereNoBatchCouldHelp() {
    DeviceArray[] own = {allocate(), allocate(), allocate(), allocate()};
    assertThatThrownBy(this::allocate).isInstanceOf(OutOfMemoryException.class);
    for (DeviceArray array : own) {
      array.close();
    }
    try (OwnedBatch batch = batch()) {
      BufferAllocator allocator = memory.allocator();
      assertThatThrownBy(() -> allocator.buffer(5 * BYTES))
          .as("more than the limit, which %s does not change", batch)
          .isInstanceOf(OutOfMemoryException.class);
    }
  }

  @Test
  void anInterruptEndsTheWaitAndStays() throws Exception {
    try (BatchMemory patient = BatchMemory.open("a patient task", BYTES, PATIENT)) {
      OwnedBatch batch = batchIn(patient);
      CompletableFuture<String> outcome = new CompletableFuture<>();
      Thread waiting = new Thread(() -> outcome.complete(message(patient)));
      waiting.start();
      waiting.interrupt();
      assertThat(outcome.get())
          .contains("the wait for them was interrupted")
          .endsWith("interrupted=true");
      batch.close();
    }
  }

  @Test
  void theEndOfTheTaskEndsTheWait() throws Exception {
    BatchMemory patient = BatchMemory.open("a patient task", BYTES, PATIENT);
    OwnedBatch batch = batchIn(patient);
    CompletableFuture<String> outcome = CompletableFuture.supplyAsync(() -> message(patient));
    patient.close();
    assertThat(outcome.get()).contains("its task has ended");
    assertThat(batch.column("x").values().alignment()).as("still readable").isPositive();
    batch.close();
  }

  private static String message(BatchMemory full) {
    try {
      full.allocator().buffer(8).close();
      return "allocated";
    } catch (MemoryLimitException e) {
      return e.getMessage() + " interrupted=" + Thread.currentThread().isInterrupted();
    }
  }

  @Test
  void theMemoryOfAnEndedTaskIsFreedWithItsLastBatch() {
    OwnedBatch[] batch = {batch()};
    memory.close();
    assertThat(RawMemory.longAt(batch[0].column("x").values().address()))
        .as("readable after its task")
        .isNotNull();
    batch[0] = null;
    awaitCollected(() -> BatchMemory.heldBytes() == 0);
  }

  /** Nobody else collects here: each attempt of a job that fails has a limit of its own. */
  @Test
  void batchesThatEarlierAttemptsForgotAreFreedByTheNext() {
    BatchMemory attempt = BatchMemory.open("an attempt", BYTES, PATIENT);
    forgetIn(attempt);
    attempt.close();
    assertThat(BatchMemory.heldBytes()).as("bytes that were forgotten").isEqualTo(BYTES);
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(40);
    while (BatchMemory.heldBytes() > 0 && System.nanoTime() < deadline) {
      BatchMemory.open("the next attempt", BYTES, PATIENT).close();
      Thread.onSpinWait();
    }
    assertThat(BatchMemory.heldBytes()).isZero();
  }

  @Test
  void anAllocatorThatCannotBeClosedIsGivenUp() {
    try (BufferAllocator root = new RootAllocator();
        BufferAllocator broken = root.newChildAllocator("broken", 0, BYTES)) {
      BooleanSupplier failing =
          () -> {
            throw new IllegalStateException("closed by somebody else");
          };
      assertThat(logged(() -> TaskAllocators.close(broken, failing)))
          .isEqualTo("Cannot close broken; it is given up");
      TaskAllocators.open(root, "a later task", BYTES).close();
    }
  }

  @Test
  void whatAnExportHoldsWhenTheTaskEndsIsLogged() {
    Memory export;
    try (DeviceArray own = allocate()) {
      export = Memory.forExport(own, Options.defaults());
    }
    assertThat(logged(memory::close))
        .isEqualTo(
            "tensors of this test: 8,192 bytes are still held by exports; their release frees"
                + " them");
    export.release();
  }

  private static String logged(Runnable action) {
    List<String> messages = new ArrayList<>();
    Handler handler =
        new Handler() {
          @Override
          public void publish(LogRecord record) {
            messages.add(new SimpleFormatter().formatMessage(record));
          }

          @Override
          public void flush() {}

          @Override
          public void close() {}
        };
    Logger logger = Logger.getLogger(TaskAllocators.class.getName());
    logger.addHandler(handler);
    try {
      action.run();
    } finally {
      logger.removeHandler(handler);
    }
    return String.join("; ", messages);
  }

  /** What runs in a class loader of its own. */
  static final class Job {
    private Job() {}

    static void forgetABatch() {
      BatchMemory memory = BatchMemory.open("a job", BYTES, PATIENT);
      forgetIn(memory);
      memory.close();
    }

    static long held() {
      return BatchMemory.heldBytes();
    }
  }

  @Test
  void aClassLoaderIsCollectedOnceItsBatchesAreFreed() throws Exception {
    IsolatedLoader loader = new IsolatedLoader();
    loader.call(Job.class, "forgetABatch");
    IsolatedLoader[] job = {loader};
    awaitCollected(() -> heldBy(job[0]) == 0);
    WeakReference<IsolatedLoader> gone = new WeakReference<>(loader);
    loader = null;
    job[0] = null;
    awaitCollected(() -> gone.get() == null);
  }

  private static long heldBy(IsolatedLoader loader) {
    try {
      return (long) loader.call(Job.class, "held");
    } catch (ReflectiveOperationException e) {
      throw new LinkageError("Job.held", e);
    }
  }
}
