package io.arrowtensor.flink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.BatchSchema;
import io.arrowtensor.BatchSchema.Column;
import io.arrowtensor.DType;
import io.arrowtensor.Device;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.DeviceMismatchException;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.Memory;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.TypeCode;
import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.dictionary.DictionaryEncoder;
import org.apache.arrow.vector.ipc.ArrowStreamReader;
import org.apache.flink.api.common.serialization.SerializerConfigImpl;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.util.InstantiationUtil;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What batches are in Flink's bytes. */
@ExtendWith(NothingHeld.class)
class BatchSerializerTest {
  private static final List<DType> TYPES =
      List.of(
          DType.BOOL,
          DType.INT8,
          DType.UINT8,
          DType.INT16,
          DType.UINT16,
          DType.INT32,
          DType.UINT32,
          DType.INT64,
          DType.UINT64,
          DType.FLOAT16,
          DType.BFLOAT16,
          DType.FLOAT32,
          DType.FLOAT64,
          DType.COMPLEX64,
          new DType(TypeCode.FLOAT8_E4M3FN, 8, 1),
          new DType(TypeCode.INT, 32, 4));

  private final TypeSerializer<OwnedBatch> serializer =
      BatchTypeInfo.unknown().createSerializer(new SerializerConfigImpl());

  static Stream<Arguments> columns() {
    Stream<Arguments> arrays =
        TYPES.stream()
            .flatMap(
                dtype ->
                    Stream.of(new long[] {7}, new long[] {7, 3}, new long[] {7, 2, 3}, new long[1])
                        .map(shape -> column(dtype + Arrays.toString(shape), dtype, shape)));
    Stream<Arguments> others =
        Stream.of(
            named("strided", () -> strided(7, 3)),
            named("strided, nulls", () -> strided(7, 3).withValidity(SomeBatches.mask(7))),
            named("strings", () -> SomeBatches.strings("c", false, "a", "", "ä\0b", "long text")),
            named("strings, 64-bit offsets", () -> SomeBatches.strings("c", true, "a", "bc")),
            named(
                "strings, nulls",
                () ->
                    SomeBatches.strings("c", false, "a", "b", "c")
                        .withValidity(SomeBatches.mask(3))),
            named("no strings", () -> SomeBatches.strings("c", false)),
            named("lists", () -> SomeBatches.lists("c", SomeBatches.floats(1, 2, 3), 0, 0, 2, 3)),
            named(
                "lists that begin later",
                () -> SomeBatches.lists("c", SomeBatches.floats(1, 2, 3, 4), 1, 2, 4)),
            named(
                "lists of vectors",
                () -> SomeBatches.lists("c", SomeBatches.counting(DType.INT16, 2, 4, 3), 0, 1, 4)),
            named("tensors of different shapes", () -> SomeBatches.tensors("c")),
            named("dictionary", BatchSerializerTest::dictionary),
            named("dictionary, nulls", () -> dictionary().withValidity(SomeBatches.mask(4))));
    return Stream.concat(arrays, others);
  }

  private static Arguments column(String name, DType dtype, long[] shape) {
    return named(
        name,
        () -> {
          DeviceColumn column = DeviceColumn.of("c", SomeBatches.counting(dtype, 2, shape));
          return shape.length == 2 ? column.withValidity(SomeBatches.mask((int) shape[0])) : column;
        });
  }

  private static DeviceColumn strided(int rows, int columns) {
    DeviceArray other = SomeBatches.counting(DType.FLOAT32, 2, columns, rows);
    return DeviceColumn.of("c", SomeBatches.transposed(other));
  }

  private static DeviceColumn dictionary() {
    return DeviceColumn.of("c", SomeBatches.ints(2, 0, 1, 2))
        .withDictionary(SomeBatches.strings("", false, "red", "green", "blue"));
  }

  private static Arguments named(String name, Supplier<DeviceColumn> column) {
    return Arguments.of(name, column);
  }

  private byte[] written(OwnedBatch batch) throws IOException {
    DataOutputSerializer out = new DataOutputSerializer(64);
    serializer.serialize(batch, out);
    return out.getCopyOfBuffer();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("columns")
  void aColumnComesBackAsItWas(String name, Supplier<DeviceColumn> column) throws IOException {
    try (OwnedBatch batch =
        SomeBatches.of(column.get(), DeviceColumn.of("rows", rowNumbers(column)))) {
      byte[] bytes = written(batch);
      DataInputDeserializer in = new DataInputDeserializer(bytes);
      try (OwnedBatch read = serializer.deserialize(in)) {
        assertThat(in.available()).as("bytes left").isZero();
        SomeBatches.assertSame(read, batch);
      }
      DataOutputSerializer copied = new DataOutputSerializer(64);
      serializer.copy(new DataInputDeserializer(bytes), copied);
      assertThat(copied.getCopyOfBuffer()).as("bytes copied unread").isEqualTo(bytes);
    }
  }

  private static DeviceArray rowNumbers(Supplier<DeviceColumn> column) {
    try (DeviceColumn counted = column.get()) {
      return SomeBatches.counting(DType.INT64, 0, counted.rowCount());
    }
  }

  @Test
  void arrowsOwnReaderFindsTheValues() throws IOException {
    byte[] bytes;
    try (OwnedBatch batch =
        SomeBatches.of(
            DeviceColumn.of("i", SomeBatches.ints(4, 5, 6)).withValidity(SomeBatches.mask(3)),
            DeviceColumn.of("m", SomeBatches.transposed(matrix())),
            SomeBatches.strings("s", false, "x", "", "yz"),
            SomeBatches.lists("l", SomeBatches.floats(1, 2, 3), 0, 2, 2, 3),
            DeviceColumn.of("d", SomeBatches.ints(1, 0, 1))
                .withDictionary(SomeBatches.strings("", false, "no", "yes")),
            DeviceColumn.of("b", SomeBatches.counting(DType.BOOL, 1, 3)))) {
      bytes = written(batch);
    }
    try (BufferAllocator allocator = new RootAllocator();
        ArrowStreamReader reader =
            new ArrowStreamReader(new ByteArrayInputStream(bytes), allocator)) {
      assertThat(reader.loadNextBatch()).isTrue();
      VectorSchemaRoot root = reader.getVectorSchemaRoot();
      assertThat(values(root, "i")).isEqualTo("4 null 6");
      assertThat(values(root, "m")).isEqualTo("[1.0,4.0] [2.0,5.0] [3.0,6.0]");
      assertThat(values(root, "s")).isEqualTo("x  yz");
      assertThat(values(root, "l")).isEqualTo("[1.0,2.0] [] [3.0]");
      assertThat(values(root, "b")).isEqualTo("1 0 1");
      assertThat(root.getVector("b").getField().getMetadata())
          .containsEntry("ARROW:extension:name", "arrow.bool8");
      try (var words =
          DictionaryEncoder.decode(root.getVector("d"), reader.getDictionaryVectors().get(0L))) {
        assertThat(words.getObject(0) + " " + words.getObject(1)).isEqualTo("yes no");
      }
      assertThat(reader.loadNextBatch()).as("a second batch").isFalse();
    }
  }

  private static DeviceArray matrix() {
    DeviceArray matrix = DeviceArray.from(Memory.allocate(DType.FLOAT32, 2, 3));
    matrix.byteBuffer().asFloatBuffer().put(new float[] {1, 2, 3, 4, 5, 6});
    return matrix;
  }

  private static String values(VectorSchemaRoot root, String name) {
    StringBuilder text = new StringBuilder();
    for (int row = 0; row < root.getRowCount(); row++) {
      text.append(row == 0 ? "" : " ").append(root.getVector(name).getObject(row));
    }
    return text.toString();
  }

  @Test
  void aBatchIsImmutableSoACopyIsTheBatch() {
    try (OwnedBatch batch = SomeBatches.of(DeviceColumn.of("i", SomeBatches.ints(1)))) {
      assertThat(serializer.isImmutableType()).isTrue();
      assertThat(serializer.copy(batch)).isSameAs(batch);
      assertThat(serializer.copy(batch, serializer.createInstance())).isSameAs(batch);
      assertThat(serializer.getLength()).isEqualTo(-1);
    }
  }

  @Test
  void aBatchWithoutColumnsComesBack() throws IOException {
    byte[] bytes = written(serializer.createInstance());
    try (OwnedBatch read = serializer.deserialize(new DataInputDeserializer(bytes))) {
      assertThat(read.rowCount()).isZero();
      assertThat(read.columns()).isEmpty();
    }
  }

  @Test
  void severalBatchesFollowOneAnother() throws IOException {
    DataOutputSerializer out = new DataOutputSerializer(64);
    for (int i = 0; i < 3; i++) {
      try (OwnedBatch batch = SomeBatches.of(DeviceColumn.of("i", SomeBatches.ints(i, i)))) {
        serializer.serialize(batch, out);
      }
    }
    DataInputDeserializer in = new DataInputDeserializer(out.getCopyOfBuffer());
    for (int i = 0; i < 3; i++) {
      try (OwnedBatch read = serializer.deserialize(in);
          OwnedBatch expected = SomeBatches.of(DeviceColumn.of("i", SomeBatches.ints(i, i)))) {
        SomeBatches.assertSame(read, expected);
      }
    }
  }

  @Test
  void brokenBytesAreAnErrorAndLeakNothing() throws IOException {
    byte[] bytes;
    try (OwnedBatch batch = SomeBatches.of(DeviceColumn.of("i", SomeBatches.ints(1, 2, 3)))) {
      bytes = written(batch);
    }
    for (int length : new int[] {0, 3, 100, bytes.length - 30, bytes.length - 1}) {
      assertThatThrownBy(() -> serializer.deserialize(new DataInputDeserializer(bytes, 0, length)))
          .as("%d of %d bytes", length, bytes.length)
          .isInstanceOf(EOFException.class);
    }
  }

  @Test
  void aClosedBatchCannotBeWritten() {
    OwnedBatch batch = SomeBatches.of(DeviceColumn.of("i", SomeBatches.ints(1)));
    batch.close();
    assertThatThrownBy(() -> written(batch))
        .isInstanceOf(InterchangeException.class)
        .hasMessage(
            "Cannot write a batch that was closed: batches in state, and those that several"
                + " operators get, are left to the collector; close only what one function alone"
                + " has");
  }

  @Test
  void memoryThatTheHostCannotReachIsRefused() {
    Memory device = Memory.borrow(4096, DType.FLOAT32, 2).withDevice(Device.cuda(0));
    try (OwnedBatch batch = SomeBatches.of(DeviceColumn.of("g", DeviceArray.from(device)))) {
      assertThatThrownBy(() -> written(batch))
          .isInstanceOf(DeviceMismatchException.class)
          .hasMessageContaining("cuda:0");
    }
  }

  @Test
  void theSerializerAndItsSnapshotTravel() throws Exception {
    TypeSerializer<OwnedBatch> cloned = InstantiationUtil.clone(serializer);
    assertThat(cloned).isEqualTo(serializer).hasSameHashCodeAs(serializer);
    assertThat(serializer.duplicate()).isEqualTo(serializer);
    DataOutputSerializer out = new DataOutputSerializer(64);
    TypeSerializerSnapshot.writeVersionedSnapshot(out, serializer.snapshotConfiguration());
    TypeSerializerSnapshot<OwnedBatch> snapshot =
        TypeSerializerSnapshot.readVersionedSnapshot(
            new DataInputDeserializer(out.getCopyOfBuffer()), getClass().getClassLoader());
    assertThat(
            serializer
                .snapshotConfiguration()
                .resolveSchemaCompatibility(snapshot)
                .isCompatibleAsIs())
        .isTrue();
    byte[] bytes;
    try (OwnedBatch batch = SomeBatches.of(DeviceColumn.of("i", SomeBatches.ints(7)))) {
      bytes = written(batch);
    }
    try (OwnedBatch read =
        snapshot.restoreSerializer().deserialize(new DataInputDeserializer(bytes))) {
      assertThat(read.column("i").values().byteBuffer().getInt(0)).isEqualTo(7);
    }
  }

  @Test
  void aSnapshotKeepsTheLimitsOfTheType() throws Exception {
    TypeSerializer<OwnedBatch> limited =
        BatchTypeInfo.unknown()
            .withMemory(MemorySize.parse("3 mb"))
            .withMemoryTimeout(Duration.ofMillis(17))
            .createSerializer(new SerializerConfigImpl());
    DataOutputSerializer out = new DataOutputSerializer(64);
    TypeSerializerSnapshot.writeVersionedSnapshot(out, limited.snapshotConfiguration());
    TypeSerializer<OwnedBatch> restored =
        TypeSerializerSnapshot.<OwnedBatch>readVersionedSnapshot(
                new DataInputDeserializer(out.getCopyOfBuffer()), getClass().getClassLoader())
            .restoreSerializer();
    assertThat(((BatchSerializer) restored).memory().allocator().getLimit()).isEqualTo(3 << 20);
    assertThat(((BatchSerializer) restored).memory())
        .as("the memory of both on one thread")
        .isSameAs(((BatchSerializer) limited).memory())
        .isNotSameAs(((BatchSerializer) serializer).memory());
  }

  @Test
  void typesAreEqualWhereTheirColumnsAre() throws Exception {
    BatchSchema schema = BatchSchema.of(Column.scalar("x", DType.FLOAT32));
    BatchTypeInfo type = BatchTypeInfo.of(schema);
    assertThat(type)
        .isEqualTo(BatchTypeInfo.of(schema).withMemory(MemorySize.parse("1 kb")))
        .hasSameHashCodeAs(BatchTypeInfo.of(schema))
        .isNotEqualTo(BatchTypeInfo.unknown())
        .isNotEqualTo(BatchTypeInfo.of(BatchSchema.of(Column.scalar("x", DType.FLOAT64))))
        .hasToString("Batch[x: float32]");
    assertThat(BatchTypeInfo.unknown()).hasToString("Batch[?]");
    assertThat(InstantiationUtil.clone(type)).isEqualTo(type);
    assertThat(type.schema()).contains(schema);
    assertThat(type.isKeyType()).isFalse();
    assertThat(type.getTypeClass()).isEqualTo(OwnedBatch.class);
  }
}
