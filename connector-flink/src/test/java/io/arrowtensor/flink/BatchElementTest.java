package io.arrowtensor.flink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.BatchSchema;
import io.arrowtensor.BatchSchema.Column;
import io.arrowtensor.ColumnKind;
import io.arrowtensor.DType;
import io.arrowtensor.Device;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.DeviceMismatchException;
import io.arrowtensor.FileAccess;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.Memory;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.internal.BatchMemory;
import java.util.function.Supplier;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Batches of the user's own, and what may not become an element. */
@ExtendWith(NothingHeld.class)
@Timeout(120)
class BatchElementTest {
  @RegisterExtension static final Cluster CLUSTER = new Cluster();

  private static final BatchTypeInfo TYPE =
      BatchTypeInfo.of(BatchSchema.of(Column.scalar("i", DType.INT32)));

  /** Nobody closes them; there is memory for ten at once. */
  @Test
  void batchesOfAUsersFunctionAreFreedOnceTheyAreDropped() throws Exception {
    BatchTypeInfo type = TYPE.withMemory(new MemorySize(40_000));
    StreamExecutionEnvironment environment =
        StreamExecutionEnvironment.createLocalEnvironment(1, new Configuration());
    environment
        .fromSequence(1, 100)
        .map(
            id ->
                type.element(SomeBatches.of(DeviceColumn.of("i", SomeBatches.ints(new int[1000])))))
        .returns(type)
        .map(OwnedBatch::rowCount)
        .returns(Types.LONG)
        .sinkTo(new DiscardingSink<>());
    CLUSTER.start(environment).awaitEnd(JobStatus.FINISHED);
  }

  @Test
  void anElementIsTheBatchWhereItWas() {
    DeviceArray values = SomeBatches.ints(1, 2, 3);
    long address = values.address();
    long before = BatchMemory.heldBytes();
    try (OwnedBatch element = TYPE.element(SomeBatches.of(DeviceColumn.of("i", values)))) {
      assertThat(element.column("i").values().address()).isEqualTo(address);
      assertThat(values.isClosed()).as("the array that passed to the element").isTrue();
      assertThat(BatchMemory.heldBytes() - before).as("bytes charged").isEqualTo(12);
    }
  }

  /** Returns what it is told to. */
  private static final class Giving extends Sum {
    private static final long serialVersionUID = 1;
    private static volatile Supplier<OwnedBatch> next;

    private final String kind;

    Giving(String kind) {
      this.kind = kind;
    }

    @Override
    public BatchSchema resultSchema(BatchSchema input, FileAccess files) {
      return BatchSchema.of(
          kind.equals("string") ? Column.string("y") : Column.scalar("y", DType.FLOAT32));
    }

    @Override
    public OwnedBatch apply(DeviceBatch batch) {
      return next.get();
    }
  }

  private static void assertRefused(
      String kind, Supplier<OwnedBatch> result, Class<? extends Exception> cause, String message)
      throws Exception {
    Giving.next = result;
    Harness<Event, OwnedBatch> harness =
        Harness.open(
            TypeInformation.of(Event.class),
            stream -> stream.columns("a").maxRows(2).mapBatches(new Giving(kind)));
    harness.send(Event.of(1), 0);
    assertThatThrownBy(() -> harness.send(Event.of(2), 0))
        .hasCauseInstanceOf(cause)
        .hasMessageContaining(message);
    assertThat(harness.values()).as("elements").isEmpty();
    harness.kill();
  }

  @Test
  void resultsThatTheHostCannotReachAreRefused() throws Exception {
    assertRefused(
        "float32",
        () -> {
          Memory device = Memory.borrow(4096, DType.FLOAT32, 2).withDevice(Device.cuda(0));
          return SomeBatches.of(DeviceColumn.of("y", DeviceArray.from(device)));
        },
        DeviceMismatchException.class,
        "Cannot pass on memory on cuda:0: the host cannot reach it; transfer it first, with");
  }

  private static DeviceColumn texts(String name, int... offsets) {
    return DeviceColumn.of(
        name,
        ColumnKind.STRING,
        SomeBatches.counting(DType.UINT8, 65, 4),
        SomeBatches.ints(offsets));
  }

  @Test
  void resultsWhoseOffsetsFallOrOverrunAreRefused() throws Exception {
    assertRefused(
        "string",
        () -> SomeBatches.of(texts("y", 0, 3, 2)),
        InterchangeException.class,
        "Invalid offset 2 of result column 'y' at row 2: expected 3 to 4");
    assertRefused(
        "string",
        () -> SomeBatches.of(texts("y", 0, 3, 5)),
        InterchangeException.class,
        "Invalid offset 5 of result column 'y' at row 2: expected 3 to 4");
  }

  @Test
  void elementsWhoseOffsetsOverrunAreRefused() throws Exception {
    BatchTypeInfo type =
        BatchTypeInfo.of(BatchSchema.of(Column.scalar("i", DType.INT32), Column.string("name")));
    Harness<OwnedBatch, OwnedBatch> harness =
        Harness.open(type, stream -> stream.columns("i").mapBatches(new Sum(), "name"));
    try (OwnedBatch batch =
        SomeBatches.of(DeviceColumn.of("i", SomeBatches.ints(1, 2)), texts("name", -1, 0, 4))) {
      assertThatThrownBy(() -> harness.send(batch, 0))
          .hasMessageContaining(
              "Invalid offset -1 of element column 'name' at row 0: expected 0 to 4");
    }
    harness.kill();
  }

  /** Its result is called as the timestamps are. */
  @Test
  void theNameOfTheTimestampsIsTaken() {
    TensorStream<Event> stream =
        Harness.stream(TypeInformation.of(Event.class), new Configuration()).columns("a");
    assertThatThrownBy(() -> stream.mapBatches(new Sum(TensorStream.ROW_TIME)))
        .isInstanceOf(InterchangeException.class)
        .hasMessage(
            "Cannot name a result or a kept field 'tensor.rowtime': the timestamps of the rows are"
                + " there; rename it, or do not keep it, as timestamps are passed on by"
                + " themselves");
    TensorStream<OwnedBatch> batches =
        Harness.stream(
            BatchTypeInfo.of(
                BatchSchema.of(
                    Column.scalar("i", DType.INT32),
                    Column.scalar(TensorStream.ROW_TIME, DType.INT64))),
            new Configuration());
    assertThatThrownBy(() -> batches.columns("i").mapBatches(new Sum(), TensorStream.ROW_TIME))
        .isInstanceOf(InterchangeException.class)
        .hasMessageContaining("Cannot name a result or a kept field 'tensor.rowtime'");
  }
}
