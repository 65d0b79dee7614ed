package io.arrowtensor.python;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.BatchStream;
import io.arrowtensor.Copy;
import io.arrowtensor.CopyRefusedException;
import io.arrowtensor.DType;
import io.arrowtensor.Device;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.Memory;
import io.arrowtensor.Nulls;
import io.arrowtensor.Options;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.arrow.CData;
import io.arrowtensor.arrow.CDevice;
import io.arrowtensor.arrow.Vectors;
import io.arrowtensor.dlpack.Dlpack;
import io.arrowtensor.internal.Native;
import io.arrowtensor.internal.Scope;
import io.arrowtensor.testing.DlpackStruct;
import io.arrowtensor.testing.NoLeaks;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.IntVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** What Python gets from Java: handles, and what it asks of them. */
@ExtendWith(NoLeaks.class)
class ShareTest {
  private static final Options MASK = Options.defaults().withNulls(Nulls.MASK);
  private static final long[] HERE = {0, -1, 0, 1, 0, 0};

  private static IntVector ints(BufferAllocator allocator, String name, int... values) {
    IntVector vector = new IntVector(name, allocator);
    vector.allocateNew(values.length);
    for (int i = 0; i < values.length; i++) {
      vector.set(i, values[i]);
    }
    vector.setValueCount(values.length);
    return vector;
  }

  private static long[] placed(int copy, boolean versioned) {
    long[] arguments = HERE.clone();
    arguments[0] = copy;
    arguments[3] = versioned ? 1 : 0;
    return arguments;
  }

  private static DeviceArray strided(AtomicInteger releases) {
    long address = Native.allocate(64, 64);
    return DeviceArray.from(
        Memory.borrow(address, DType.INT16, 2, 3)
            .withStrides(8, 2)
            .withReadOnly(false)
            .withOwner(
                () -> {
                  Native.free(address);
                  releases.incrementAndGet();
                }));
  }

  @Test
  void entryIsOneBlockWithTheVersionAndTheTable() {
    assertThat(PythonRuntime.entry()).isEqualTo(PythonSide.ENTRY);
    ByteBuffer entry = DlpackStruct.buffer(PythonSide.ENTRY, 16);
    assertThat(entry.getLong(0)).isEqualTo(Protocol.VERSION);
    assertThat(entry.getLong(8)).isEqualTo(Native.callback(Native.PYTHON_TABLE));
  }

  @Test
  void blockDescribesTheArrayAndOutlivesItsVector(BufferAllocator allocator) {
    long block;
    long address;
    try (IntVector vector = ints(allocator, "x", 5, 6, 7)) {
      address = vector.getDataBufferAddress();
      block = PythonRuntime.share(Vectors.view(vector));
    }
    ByteBuffer bytes = DlpackStruct.buffer(block, Protocol.Array.SHAPE + 16);
    assertThat(bytes.getLong(Protocol.Handle.ENTRY)).isEqualTo(PythonSide.ENTRY);
    assertThat(bytes.getLong(Protocol.Handle.KIND)).isEqualTo(Protocol.Handle.ARRAY);
    assertThat(bytes.getInt(Protocol.Array.DEVICE_TYPE)).isEqualTo(1);
    assertThat(bytes.getInt(Protocol.Array.NDIM)).isEqualTo(1);
    assertThat(bytes.getInt(Protocol.Array.READ_ONLY)).isEqualTo(1);
    assertThat(bytes.getLong(Protocol.Array.ADDRESS)).isEqualTo(address);
    assertThat(bytes.getLong(Protocol.Array.BYTES)).isEqualTo(12);
    assertThat(bytes.getLong(Protocol.Array.ITEM_SIZE)).isEqualTo(4);
    assertThat(bytes.getLong(Protocol.Array.ZERO_COPY_BYTES)).isEqualTo(12);
    assertThat(bytes.getLong(Protocol.Array.SHAPE)).isEqualTo(3);
    assertThat(bytes.getLong(Protocol.Array.SHAPE + 8)).isEqualTo(1);
    assertThat(DlpackStruct.buffer(address, 12).getInt(8)).isEqualTo(7);
    assertThat(PythonSide.text(PythonSide.call(block, Protocol.Array.DTYPE, 0))).isEqualTo("int32");
    assertThat(PythonSide.call(block, Protocol.Array.REASON, 0)).isZero();
    PythonSide.drop(block);
  }

  @Test
  void tensorToShareIsTheArraysAndIsReleasedWithTheBlock() {
    AtomicInteger releases = new AtomicInteger();
    long block;
    try (DeviceArray array = strided(releases)) {
      block = PythonRuntime.share(array);
      long tensor = DlpackStruct.buffer(block, 88).getLong(Protocol.Array.TENSOR);
      DlpackStruct struct = DlpackStruct.versioned(tensor);
      assertThat(struct.data()).isEqualTo(array.address());
      assertThat(struct.shape()).containsExactly(2, 3);
      assertThat(struct.strides()).containsExactly(8, 2);
      assertThat(struct.flags()).isZero();
    }
    assertThat(releases).hasValue(0);
    PythonSide.drop(block);
    assertThat(releases).hasValue(1);
  }

  @Test
  void copyThatIsAskedForIsTheConsumersOwn(BufferAllocator allocator) {
    try (IntVector vector = ints(allocator, "x", 5, 6)) {
      long block = PythonRuntime.share(Vectors.view(vector));
      for (boolean versioned : new boolean[] {true, false}) {
        long address = PythonSide.ask(block, Protocol.Array.DLPACK, placed(2, versioned));
        DlpackStruct copy = DlpackStruct.at(address, versioned);
        assertThat(copy.data()).isNotEqualTo(vector.getDataBufferAddress());
        assertThat(DlpackStruct.buffer(copy.data(), 8).getInt(4)).isEqualTo(6);
        if (versioned) {
          assertThat(copy.flags()).as("IS_COPIED alone").isEqualTo(2);
        }
        copy.delete();
      }
      PythonSide.drop(block);
    }
  }

  @Test
  void copyThatTheSharingMadeIsNotTakenForTheOneAskedForLater(BufferAllocator allocator) {
    try (IntVector vector = ints(allocator, "x", 5, 6)) {
      long block =
          PythonRuntime.share(Vectors.view(vector), Options.defaults().withCopy(Copy.ALWAYS));
      assertThat(PythonSide.text(PythonSide.call(block, Protocol.Array.REASON, 0)))
          .isEqualTo("REQUESTED");
      ByteBuffer bytes = DlpackStruct.buffer(block, Protocol.Array.SHAPE);
      assertThat(bytes.getLong(Protocol.Array.COPIED_BYTES)).isEqualTo(8);
      long first = bytes.getLong(Protocol.Array.ADDRESS);
      DlpackStruct again =
          DlpackStruct.versioned(PythonSide.ask(block, Protocol.Array.DLPACK, placed(2, true)));
      assertThat(again.data()).isNotEqualTo(first);
      again.delete();
      PythonSide.drop(block);
    }
  }

  @Test
  void errorsAreThoseOfTheStandardWithJavasMessage(BufferAllocator allocator) {
    try (IntVector vector = ints(allocator, "x", 5)) {
      long block = PythonRuntime.share(Vectors.view(vector));
      long[] cuda = {0, 2, 0, 1, 0, 0};
      assertThat(
              PythonSide.error(
                  Protocol.Raise.BUFFER, PythonSide.ask(block, Protocol.Array.DLPACK, cuda)))
          .contains("cuda");
      assertThat(
              PythonSide.error(
                  Protocol.Raise.BUFFER,
                  PythonSide.ask(block, Protocol.Array.DLPACK, placed(0, false))))
          .startsWith("Cannot export read-only memory as an unversioned DLPack struct");
      assertThat(PythonSide.error(Protocol.Raise.RUNTIME, PythonSide.call(block, 99, 0)))
          .startsWith("Cannot answer operation 99")
          .endsWith("install the package that belongs to the jar");
      PythonSide.drop(block);
    }
  }

  @Test
  void typeThatNumpyLacksHasNoArrayInterface() {
    long block = PythonRuntime.share(Memory.allocate(DType.BFLOAT16, 4));
    assertThat(
            PythonSide.error(
                Protocol.Raise.TYPE, PythonSide.call(block, Protocol.Array.INTERFACE, 0)))
        .contains("bfloat16");
    PythonSide.drop(block);
  }

  @Test
  void deviceMemoryIsDescribedForCudaAlone() {
    Memory memory = Memory.borrow(4096, DType.FLOAT32, 2).withDevice(Device.cuda(1));
    long block = PythonRuntime.share(memory);
    assertThat(PythonSide.text(PythonSide.call(block, Protocol.Array.CUDA_INTERFACE, 0)))
        .contains("\"data\":[4096,true]")
        .contains("\"typestr\":\"<f4\"");
    assertThat(
            PythonSide.error(
                Protocol.Raise.BUFFER, PythonSide.call(block, Protocol.Array.INTERFACE, 0)))
        .contains("cuda:1");
    PythonSide.drop(block);
  }

  @Test
  void arrowStructsShareTheMemoryAndOutliveTheBlock(BufferAllocator allocator) {
    try (IntVector vector = ints(allocator, "x", 5, 6)) {
      long block = PythonRuntime.share(Vectors.view(vector));
      long[] plain = new long[2];
      long[] device = new long[2];
      assertThat(PythonSide.ask(block, Protocol.Array.ARROW, plain)).isZero();
      assertThat(PythonSide.ask(block, Protocol.Array.ARROW_DEVICE, device)).isZero();
      PythonSide.drop(block);
      try (DeviceArray one = DeviceArray.from(CData.take(plain[0], plain[1]));
          DeviceArray two = DeviceArray.from(CDevice.take(device[0], device[1]))) {
        assertThat(one.address()).isEqualTo(vector.getDataBufferAddress());
        assertThat(two.address()).isEqualTo(vector.getDataBufferAddress());
      }
      for (long struct : new long[] {plain[0], plain[1], device[0], device[1]}) {
        Native.free(struct); // as the capsule's destructor does
      }
    }
  }

  @Test
  void javaArrayOfAHandleHasAReferenceOfItsOwn() {
    AtomicInteger releases = new AtomicInteger();
    long block;
    try (DeviceArray array = strided(releases)) {
      block = PythonRuntime.share(array);
    }
    DeviceArray back = PythonRuntime.array(block);
    PythonSide.drop(block);
    assertThat(back.strides()).containsExactly(8, 2);
    assertThat(releases).hasValue(0);
    back.close();
    assertThat(releases).hasValue(1);
  }

  @Test
  void handleThatPythonDroppedOrThatIsAnotherKindIsRefused() {
    long block = PythonRuntime.share(Memory.allocate(DType.INT8, 1));
    assertThatThrownBy(() -> PythonRuntime.batch(block))
        .isInstanceOf(InterchangeException.class)
        .hasMessage(
            "Cannot use handle %d: Python holds no batch by it; pass its attribute handle, and keep it open meanwhile",
            block);
    PythonSide.drop(block);
    assertThatThrownBy(() -> PythonRuntime.array(block))
        .isInstanceOf(InterchangeException.class)
        .hasMessageContaining("Python holds no array by it");
  }

  @Test
  void lentMemoryIsCopiedAndOutlivesItsBatch() throws InterruptedException {
    Scope scope = new Scope("the batch");
    long address = Native.allocate(8, 8);
    DlpackStruct.buffer(address, 8).putLong(0, 42);
    Memory lent = Memory.borrow(address, DType.INT64, 1).withScope(scope);
    long block;
    try (DeviceArray array = DeviceArray.from(lent)) {
      assertThatThrownBy(() -> PythonRuntime.share(array, Options.defaults().withCopy(Copy.NEVER)))
          .isInstanceOf(CopyRefusedException.class);
      block = PythonRuntime.share(array);
    }
    scope.end(Duration.ZERO);
    Native.free(address);
    assertThat(PythonSide.text(PythonSide.call(block, Protocol.Array.REASON, 0)))
        .isEqualTo("BORROWED");
    try (DeviceArray back = PythonRuntime.array(block)) {
      assertThat(back.byteBuffer().getLong(0)).isEqualTo(42);
    }
    PythonSide.drop(block);
  }

  @Test
  void batchGivesItsColumnsAndRefusesThoseWithNullsAsOneArray(BufferAllocator allocator) {
    try (IntVector plain = ints(allocator, "plain", 1, 2);
        IntVector nulls = ints(allocator, "größe", 3, 4)) {
      nulls.setNull(1);
      long block;
      try (OwnedBatch batch =
          DeviceBatch.from(Vectors.view(VectorSchemaRoot.of(plain, nulls)), MASK)) {
        block = PythonRuntime.share(batch);
      }
      assertThat(PythonSide.text(PythonSide.call(block, Protocol.Batch.NAME, 1)))
          .isEqualTo("größe");
      long column = PythonSide.call(block, Protocol.Batch.COLUMN, 0);
      assertThat(DlpackStruct.buffer(column, 40).getLong(Protocol.Array.ADDRESS))
          .isEqualTo(plain.getDataBufferAddress());
      PythonSide.drop(column);
      assertThat(
              PythonSide.error(
                  Protocol.Raise.TYPE, PythonSide.call(block, Protocol.Batch.COLUMN, 1)))
          .contains("'größe'", "it has nulls");
      assertThat(PythonSide.call(block, Protocol.Batch.COLUMN, 2)).isLessThan(-1);
      PythonSide.error(Protocol.Raise.VALUE, PythonSide.call(block, Protocol.Batch.COLUMN, 2));
      try (OwnedBatch back = PythonRuntime.batch(block)) {
        PythonSide.drop(block);
        assertThat(back.column("größe").validity()).isNotNull();
      }
    }
  }

  @Test
  void streamIsPulledBatchByBatchAndPassesToJavaOnce(BufferAllocator allocator) {
    try (IntVector vector = ints(allocator, "x", 1, 2)) {
      OwnedBatch[] batches = new OwnedBatch[3];
      for (int i = 0; i < batches.length; i++) {
        batches[i] = DeviceBatch.from(Vectors.view(VectorSchemaRoot.of(vector)));
      }
      long block = PythonRuntime.share(BatchStream.of(batches));
      long first = PythonSide.call(block, Protocol.Stream.NEXT, 0);
      assertThat(DlpackStruct.buffer(first, 32).getLong(Protocol.Batch.ROWS)).isEqualTo(2);
      PythonSide.drop(first);
      try (BatchStream left = PythonRuntime.stream(block)) {
        assertThat(
                PythonSide.error(
                    Protocol.Raise.RUNTIME, PythonSide.call(block, Protocol.Stream.NEXT, 0)))
            .contains("Cannot read a stream that was handed on");
        assertThatThrownBy(() -> PythonRuntime.stream(block))
            .isInstanceOf(IllegalStateException.class)
            .hasMessageContaining("handed on");
        try (OwnedBatch second = left.next()) {
          assertThat(second.rowCount()).isEqualTo(2);
        }
      } // closes the third
      PythonSide.drop(block);
    }
  }

  @Test
  void structOfItsOwnIsAlsoTakenBack() {
    long block = PythonRuntime.share(Memory.allocate(DType.INT32, 2, 2));
    long struct = PythonSide.ask(block, Protocol.Array.DLPACK, placed(0, true));
    PythonSide.drop(block);
    try (DeviceArray array = DeviceArray.from(Dlpack.take(struct))) {
      assertThat(array.shape()).containsExactly(2, 2);
    }
  }
}
