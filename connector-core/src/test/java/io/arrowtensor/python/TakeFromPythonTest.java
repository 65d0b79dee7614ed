package io.arrowtensor.python;

import static org.assertj.core.api.Assertions.assertThat;

import io.arrowtensor.Copy;
import io.arrowtensor.DType;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.Memory;
import io.arrowtensor.Nulls;
import io.arrowtensor.Options;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.arrow.CData;
import io.arrowtensor.arrow.Vectors;
import io.arrowtensor.dlpack.Dlpack;
import io.arrowtensor.internal.Native;
import io.arrowtensor.testing.DlpackStruct;
import io.arrowtensor.testing.NoLeaks;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.IntVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What Java gets from Python: who gives what back, when, how often. */
@ExtendWith(NoLeaks.class)
class TakeFromPythonTest {
  private static final long[] ANYWHERE = {0, -1, 0};

  @BeforeEach
  void openInterpreter() {
    PythonSide.open();
  }

  @AfterEach
  void lockWasUsedRightly() {
    PythonSide.assertLockWasUsedRightly();
  }

  private static long[] arguments(long... first) {
    long[] all = java.util.Arrays.copyOf(first, first.length + ANYWHERE.length);
    System.arraycopy(ANYWHERE, 0, all, first.length, ANYWHERE.length);
    return all;
  }

  private static Memory counted(AtomicInteger releases) {
    long address = Native.allocate(16, 16);
    return Memory.borrow(address, DType.FLOAT64, 2)
        .withOwner(
            () -> {
              Native.free(address);
              releases.incrementAndGet();
            });
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void tensorIsReleasedOnceWhenBothSidesAreDone(boolean versioned) {
    AtomicInteger releases = new AtomicInteger();
    Memory memory = counted(releases).withReadOnly(false);
    long struct =
        versioned ? Dlpack.export(memory) : Dlpack.exportUnversioned(memory, Options.defaults());
    long block = PythonSide.ask(Protocol.Root.TAKE_DLPACK, arguments(struct, versioned ? 1 : 0));
    DeviceArray array = PythonRuntime.array(block);
    PythonSide.drop(block);
    assertThat(array.isReadOnly()).isEqualTo(!versioned);
    assertThat(releases).hasValue(0);
    array.close();
    assertThat(releases).hasValue(1);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void copyIsMadeByTheProducerOrElseHereAndCountedOnce(boolean byProducer) {
    AtomicInteger releases = new AtomicInteger();
    Options options = byProducer ? Options.defaults().withCopy(Copy.ALWAYS) : Options.defaults();
    long struct = Dlpack.export(counted(releases), options);
    long data = DlpackStruct.versioned(struct).data();
    assertThat(DlpackStruct.versioned(struct).flags() & 2).isEqualTo(byProducer ? 2 : 0);
    long block = PythonSide.ask(Protocol.Root.TAKE_DLPACK, struct, 1, 2, -1, 0);
    ByteBuffer array = DlpackStruct.buffer(block, Protocol.Array.SHAPE);
    assertThat(array.getLong(Protocol.Array.ADDRESS) == data).isEqualTo(byProducer);
    assertThat(array.getLong(Protocol.Array.COPIED_BYTES)).isEqualTo(16);
    assertThat(PythonSide.text(PythonSide.call(block, Protocol.Array.REASON, 0)))
        .isEqualTo("REQUESTED");
    assertThat(releases).as("the original is let go of").hasValue(1);
    PythonSide.drop(block);
  }

  @Test
  void tensorOfAnotherMajorVersionIsReleasedAndRefused() {
    AtomicInteger releases = new AtomicInteger();
    long struct = Dlpack.export(counted(releases));
    DlpackStruct.versioned(struct).putVersion(2, 0);
    assertThat(
            PythonSide.error(
                Protocol.Raise.BUFFER,
                PythonSide.ask(Protocol.Root.TAKE_DLPACK, arguments(struct, 1))))
        .contains("Cannot read DLPack version 2.0");
    assertThat(releases).hasValue(1);
  }

  @Test
  void tensorThatMustNotBeCopiedIsReleasedWhenItWouldHaveToBe() {
    AtomicInteger releases = new AtomicInteger();
    long struct = Dlpack.export(counted(releases));
    long[] arguments = {struct, 1, 1, 2, 0}; // never copied, but on the device cuda:0
    assertThat(
            PythonSide.error(
                Protocol.Raise.BUFFER, PythonSide.ask(Protocol.Root.TAKE_DLPACK, arguments)))
        .contains("Cannot share an array");
    assertThat(releases).hasValue(1);
  }

  @Test
  void lentObjectIsGivenBackUnderTheLock() {
    long object = object();
    long data = Native.allocate(12, 16);
    long json =
        PythonSide.cString(
            "{\"data\":[%d,false],\"shape\":[3],\"typestr\":\"<i4\",\"version\":3}"
                .formatted(data));
    long block = PythonSide.ask(Protocol.Root.BORROW_INTERFACE, arguments(json, object));
    Native.free(json);
    assertThat(DlpackStruct.buffer(block, 40).getLong(Protocol.Array.ADDRESS)).isEqualTo(data);
    assertThat(references(object)).isEqualTo(1);
    PythonSide.drop(block);
    assertThat(references(object)).isZero();
    Native.free(object);
    Native.free(data);
  }

  @ParameterizedTest
  @ValueSource(strings = {"{", "{\"shape\":[-1]}", "[]"})
  void lentObjectIsGivenBackOnceWhenItsDescriptionIsRefused(String json) {
    for (int operation : new int[] {Protocol.Root.BORROW_INTERFACE, Protocol.Root.BORROW_CUDA}) {
      long object = object();
      long text = PythonSide.cString(json);
      long answer = PythonSide.ask(operation, text, object, 0, -1, 0, 0);
      Native.free(text);
      assertThat(PythonSide.error(Protocol.Raise.VALUE, answer)).isNotEmpty();
      assertThat(references(object)).isZero();
      Native.free(object);
    }
  }

  @Test
  void lentObjectIsGivenBackOnceWhenItsStructIsRefused() {
    for (int operation : new int[] {Protocol.Root.BORROW_STRUCT, Protocol.Root.BORROW_BUFFER}) {
      long object = object();
      long struct = Native.allocate(80, 16);
      DlpackStruct.buffer(struct, 80).put(new byte[80]);
      DlpackStruct.buffer(struct, 80).putInt(0, 3).putInt(36, -1);
      long answer = PythonSide.ask(operation, struct, object, 0, -1, 0);
      assertThat(PythonSide.error(Protocol.Raise.VALUE, answer)).contains("Invalid");
      assertThat(references(object)).isZero();
      Native.free(struct);
      Native.free(object);
    }
  }

  @Test
  void batchKeepsItsNullsAndItsMemory(BufferAllocator allocator) {
    long schema = Native.allocate(72, 16);
    long array = Native.allocate(80, 16);
    try (IntVector vector = new IntVector("x", allocator)) {
      vector.allocateNew(2);
      vector.set(0, 8);
      vector.setNull(1);
      vector.setValueCount(2);
      Options masked = Options.defaults().withNulls(Nulls.MASK);
      try (OwnedBatch batch = DeviceBatch.from(Vectors.view(VectorSchemaRoot.of(vector)), masked)) {
        CData.export(batch, Options.defaults(), schema, array);
      }
      long block = PythonSide.ask(Protocol.Root.TAKE_BATCH, schema, array, 0);
      try (OwnedBatch taken = PythonRuntime.batch(block)) {
        PythonSide.drop(block);
        assertThat(taken.column("x").values().address()).isEqualTo(vector.getDataBufferAddress());
        assertThat(taken.column("x").validity()).isNotNull();
      }
    }
    Native.free(schema);
    Native.free(array);
  }

  /** An object with one reference, Java's. */
  private static long object() {
    long object = Native.allocate(8, 8);
    DlpackStruct.buffer(object, 8).putLong(0, 1);
    return object;
  }

  private static long references(long object) {
    return DlpackStruct.buffer(object, 8).getLong(0);
  }
}
