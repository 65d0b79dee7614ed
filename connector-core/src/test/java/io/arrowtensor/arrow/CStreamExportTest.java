package io.arrowtensor.arrow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.BatchSchema;
import io.arrowtensor.BatchStream;
import io.arrowtensor.DType;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.DeviceType;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.InvalidStructException;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.StreamException;
import io.arrowtensor.internal.Abi;
import io.arrowtensor.internal.Native;
import io.arrowtensor.internal.NativeBytes;
import io.arrowtensor.internal.RawMemory;
import io.arrowtensor.internal.TestNative;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.apache.arrow.memory.OutOfMemoryException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What consumers of our streams see, call by call. */
class CStreamExportTest {
  private static final Options OPTIONS = Options.defaults();

  private final long heldBefore = NativeBytes.held();
  private final CStructs structs = new CStructs();
  private final AtomicInteger made = new AtomicInteger();
  private final AtomicInteger released = new AtomicInteger();
  private final AtomicInteger closed = new AtomicInteger();
  private long stream;
  private long schema;
  private long array;

  @BeforeEach
  void makeStructs() {
    stream = structs.zeroed(Abi.DeviceArrayStream.SIZE);
    schema = structs.zeroed(Abi.Schema.SIZE);
    array = structs.zeroed(Abi.DeviceArray.SIZE);
  }

  @AfterEach
  void nothingIsLeft() {
    structs.close();
    assertThat(released).as("batches released").hasValue(made.get());
    assertThat(NativeBytes.held()).as("native bytes held").isEqualTo(heldBefore);
  }

  private interface Next {
    OwnedBatch get();
  }

  /** Gives what each of its suppliers gives, then the end. */
  private final class Supplied implements BatchStream {
    private final List<Next> left;

    Supplied(Next... batches) {
      this.left = new ArrayList<>(List.of(batches));
    }

    @Override
    public BatchSchema schema() {
      return BatchSchema.of(BatchSchema.Column.scalar("v", DType.INT32));
    }

    @Override
    public OwnedBatch next() {
      return left.isEmpty() ? null : left.remove(0).get();
    }

    @Override
    public void close() {
      closed.incrementAndGet();
    }
  }

  private OwnedBatch batch(String name, int... values) {
    made.incrementAndGet();
    Memory memory =
        Memory.borrow(structs.ints(values), DType.INT32, values.length)
            .withOwner(released::incrementAndGet);
    return OwnedBatch.of(DeviceColumn.of(name, DeviceArray.from(memory)));
  }

  private int call(int function, long out) {
    return (int) Native.call(RawMemory.longAt(stream + function), stream, out, 0, 0, 0, 0);
  }

  private int schema() {
    return call(Abi.ArrayStream.GET_SCHEMA, schema);
  }

  private int next() {
    return call(Abi.ArrayStream.GET_NEXT, array);
  }

  private String lastError() {
    long function = RawMemory.longAt(stream + Abi.ArrayStream.GET_LAST_ERROR);
    return RawMemory.cString(Native.call(function, stream, 0, 0, 0, 0, 0), 2000);
  }

  private void release() {
    call(Abi.ArrayStream.RELEASE, 0);
    assertThat(RawMemory.longAt(stream + Abi.ArrayStream.RELEASE)).as("marked").isZero();
  }

  private boolean isEnd() {
    return RawMemory.longAt(array + Abi.Array.RELEASE) == 0;
  }

  /** The first value of the batch in {@code array}, which is released. */
  private int firstValue() {
    long column = RawMemory.longAt(RawMemory.longAt(array + Abi.Array.CHILDREN));
    long buffers = RawMemory.longAt(column + Abi.Array.BUFFERS);
    int value = RawMemory.intAt(RawMemory.longAt(buffers + 8));
    TakenStruct.Kind.ARRAY.release(array);
    return value;
  }

  @Test
  void theSchemaComesAsOftenAsItIsAskedFor() {
    CData.exportStream(new Supplied(() -> batch("v", 1), () -> batch("v", 2)), OPTIONS, stream);
    for (int i = 0; i < 3; i++) {
      assertThat(schema()).isZero();
      assertThat(RawMemory.cString(RawMemory.longAt(schema), 9)).isEqualTo("+s");
      TakenStruct.Kind.SCHEMA.release(schema);
    }
    assertThat(next()).isZero();
    assertThat(firstValue()).isEqualTo(1);
    assertThat(schema()).isZero();
    TakenStruct.Kind.SCHEMA.release(schema);
    assertThat(next()).isZero();
    assertThat(firstValue()).isEqualTo(2);
    for (int i = 0; i < 3; i++) {
      assertThat(next()).isZero();
      assertThat(isEnd()).isTrue();
    }
    release();
    assertThat(closed).hasValue(1);
  }

  @Test
  void batchesOutliveTheirStreamAndTheirThread() {
    CData.exportStream(new Supplied(() -> batch("v", 7), () -> batch("v", 8)), OPTIONS, stream);
    assertThat(next()).isZero();
    long releaser = RawMemory.longAt(stream + Abi.ArrayStream.RELEASE);
    assertThat(TestNative.call("on_thread", releaser, stream)).isZero();
    assertThat(closed).hasValue(1);
    assertThat(released).hasValue(0);
    assertThat(firstValue()).isEqualTo(7);
  }

  @Test
  void aBatchThatWasPulledForTheSchemaAloneIsReleasedWithTheStream() {
    CData.exportStream(new Supplied(() -> batch("v", 7)), OPTIONS, stream);
    assertThat(schema()).isZero();
    TakenStruct.Kind.SCHEMA.release(schema);
    assertThat(released).hasValue(0);
    release();
    assertThat(released).hasValue(1);
  }

  @Test
  void aFailureHasANumberAndATextInEveryLaterCall() {
    Next broken =
        () -> {
          throw new IllegalStateException("the disk is gone");
        };
    CData.exportStream(new Supplied(() -> batch("v", 1), broken), OPTIONS, stream);
    assertThat(lastError()).isEmpty();
    assertThat(next()).isZero();
    assertThat(firstValue()).isEqualTo(1);
    assertThat(next()).as("EIO").isEqualTo(5);
    assertThat(lastError()).isEqualTo("the disk is gone");
    assertThat(lastError()).isEqualTo("the disk is gone");
    for (int i = 0; i < 2; i++) {
      assertThat(next()).as("no end").isEqualTo(5);
      assertThat(lastError()).isEqualTo("the disk is gone");
      assertThat(schema()).isEqualTo(5);
      assertThat(lastError()).isEqualTo("the disk is gone");
    }
    release();
  }

  @Test
  void failuresAreNumberedByTheirKind() {
    RuntimeException[] failures = {
      new InvalidStructException("odd"),
      new OutOfMemoryException("full"),
      new StreamException("far away", 110),
      new IllegalArgumentException()
    };
    int[] numbers = {22, 12, 110, 5};
    for (int i = 0; i < failures.length; i++) {
      RuntimeException failure = failures[i];
      Next failing =
          () -> {
            throw failure;
          };
      CData.exportStream(new Supplied(failing), OPTIONS, stream);
      assertThat(schema()).as(failure.toString()).isEqualTo(numbers[i]);
      String text = failure.getMessage();
      assertThat(lastError()).isEqualTo(text == null ? failure.toString() : text);
      assertThat(next()).as("no empty stream").isEqualTo(numbers[i]);
      release();
    }
    assertThat(closed).hasValue(failures.length);
  }

  @Test
  void aLongTextIsCutBetweenCharacters() {
    String text = "ß".repeat(2000);
    Next failing =
        () -> {
          throw new IllegalStateException("-" + text);
        };
    CData.exportStream(new Supplied(failing), OPTIONS, stream);
    assertThat(next()).isEqualTo(5);
    assertThat(lastError()).isEqualTo("-" + text.substring(0, 511));
    release();
  }

  @Test
  void aBatchOfAnotherSchemaFailsTheStream() {
    CData.exportStream(new Supplied(() -> batch("v", 1), () -> batch("w", 2)), OPTIONS, stream);
    assertThat(next()).isZero();
    assertThat(firstValue()).isEqualTo(1);
    assertThat(next()).as("EINVAL").isEqualTo(22);
    String text = lastError();
    assertThat(text).startsWith("Cannot export a batch of the stream: its schema is");
    assertThat(next()).as("no end").isEqualTo(22);
    assertThat(lastError()).isEqualTo(text);
    release();
  }

  @Test
  void aDeviceStreamRefusesBatchesOfOtherDevices() {
    CDevice.exportStream(new Supplied(() -> batch("v", 1)), DeviceType.CUDA, OPTIONS, stream);
    assertThat(RawMemory.intAt(stream)).isEqualTo(2);
    try (BatchStream back = CDevice.takeStream(stream, OPTIONS)) {
      assertThatThrownBy(back::next)
          .isInstanceOf(StreamException.class)
          .hasMessageEndingWith(
              "Cannot export a batch of the stream: it is on cpu, the stream on cuda; transfer it"
                  + " first")
          .extracting(e -> ((StreamException) e).errno())
          .isEqualTo(22);
    }
    assertThat(closed).hasValue(1);
  }

  @Test
  void aDeviceStreamOfTheHostComesBack() {
    BatchStream two = BatchStream.of(batch("v", 1), batch("v", 2));
    CDevice.exportStream(two, DeviceType.CPU, OPTIONS, stream);
    try (BatchStream back = CDevice.takeStream(stream, OPTIONS)) {
      for (int i = 1; i <= 2; i++) {
        try (OwnedBatch batch = back.next()) {
          assertThat(batch.column("v").values().byteBuffer().asIntBuffer().get(0)).isEqualTo(i);
        }
      }
      assertThat(back.next()).isNull();
    }
    try (OwnedBatch one = batch("v", 3)) {
      CDevice.exportStream(one, OPTIONS, stream);
    }
    try (BatchStream back = CDevice.takeStream(stream, OPTIONS);
        OwnedBatch batch = back.next()) {
      assertThat(batch.column("v").values().byteBuffer().asIntBuffer().get(0)).isEqualTo(3);
    }
  }

  @Test
  void aStreamOfBatchesClosesThoseThatNobodyAskedFor() {
    BatchStream stream = BatchStream.of(batch("v", 1), batch("v", 2), batch("v", 3));
    OwnedBatch first = stream.next();
    stream.close();
    stream.close();
    assertThat(released).hasValue(2);
    assertThatThrownBy(stream::next)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("Cannot read a stream that was closed: close it behind its last batch");
    first.close();
  }

  /** Fails to give back what has been given back. */
  private OwnedBatch failing() {
    made.incrementAndGet();
    Memory memory =
        Memory.borrow(structs.ints(1), DType.INT32, 1)
            .withOwner(
                () -> {
                  released.incrementAndGet();
                  throw new IllegalStateException("not mine");
                });
    return OwnedBatch.of(DeviceColumn.of("v", DeviceArray.from(memory)));
  }

  @Test
  void aBatchThatFailsToCloseKeepsNoOtherOpen() {
    BatchStream stream = BatchStream.of(batch("v", 1), failing(), batch("v", 3));
    assertThatThrownBy(stream::close)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("not mine");
    assertThat(released).hasValue(3);
  }

  @Test
  void aStreamOfNoBatchesHasNoSchema() {
    assertThatThrownBy(BatchStream::of)
        .isInstanceOf(InterchangeException.class)
        .hasMessage(
            "Cannot make a stream of no batches: its schema is that of the first one; give it a"
                + " batch of 0 rows");
  }

  @Test
  void aPulledBatchThatFailsToCloseIsNotExported() {
    Next broken =
        () -> {
          OwnedBatch whole = batch("v", 1);
          DeviceArray borrowed = DeviceArray.from(Memory.borrow(structs.ints(2), DType.INT32, 1));
          DeviceArray mask =
              DeviceArray.from(
                  Memory.borrow(structs.bytes(1), DType.BOOL, 1)
                      .withOwner(
                          () -> {
                            throw new IllegalStateException("not mine");
                          }));
          DeviceColumn masked = DeviceColumn.of("w", borrowed).withValidity(mask);
          return OwnedBatch.of(whole.columns().get(0), masked);
        };
    CData.exportStream(new Supplied(broken), OPTIONS, stream);
    assertThat(next()).as("EIO").isEqualTo(5);
    assertThat(lastError()).isEqualTo("not mine");
    assertThat(released).as("the references of its export").hasValue(1);
    release();
  }

  @Test
  void aMisplacedStreamClosesItsSource() {
    assertThatThrownBy(() -> CData.exportStream(new Supplied(), OPTIONS, 4))
        .isInstanceOf(InvalidStructException.class)
        .hasMessage(
            "Invalid ArrowArrayStream address 0x4: expected a non-null, 8-byte aligned one");
    BatchStream unasked = BatchStream.of(batch("v", 1), batch("v", 2));
    assertThatThrownBy(() -> CDevice.exportStream(unasked, DeviceType.CPU, OPTIONS, 0))
        .isInstanceOf(InvalidStructException.class);
    assertThat(closed).hasValue(1);
    assertThat(released).hasValue(2);
  }

  @Test
  void manyStreamsAreReadOnManyThreadsAtOnce() {
    int[] sums =
        IntStream.range(0, 16)
            .parallel()
            .map(
                i -> {
                  long own = Native.allocate(Abi.ArrayStream.SIZE, 16);
                  Supplied three =
                      new Supplied(() -> batch("v", i), () -> batch("v", i), () -> batch("v", i));
                  CData.exportStream(three, OPTIONS, own);
                  int sum = 0;
                  try (BatchStream back = CData.takeStream(own, OPTIONS)) {
                    for (OwnedBatch batch = back.next(); batch != null; batch = back.next()) {
                      sum += batch.column("v").values().byteBuffer().asIntBuffer().get(0);
                      batch.close();
                    }
                  } finally {
                    Native.free(own);
                  }
                  return sum;
                })
            .toArray();
    assertThat(sums).containsExactly(IntStream.range(0, 16).map(i -> 3 * i).toArray());
    assertThat(closed).hasValue(16);
  }
}
