package io.arrowtensor.arrow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.BatchSchema;
import io.arrowtensor.BatchStream;
import io.arrowtensor.ColumnKind;
import io.arrowtensor.DType;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.Nulls;
import io.arrowtensor.Options;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.Storage;
import io.arrowtensor.StreamException;
import io.arrowtensor.testing.NoLeaks;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.arrow.c.ArrowArrayStream;
import org.apache.arrow.c.Data;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.IntVector;
import org.apache.arrow.vector.VarCharVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.dictionary.Dictionary;
import org.apache.arrow.vector.dictionary.DictionaryProvider;
import org.apache.arrow.vector.ipc.ArrowReader;
import org.apache.arrow.vector.ipc.ArrowStreamReader;
import org.apache.arrow.vector.ipc.ArrowStreamWriter;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.DictionaryEncoding;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.FieldType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** C streams against Arrow's own C Data module, in both directions. */
@ExtendWith(NoLeaks.class)
class CStreamOracleTest {
  private static final int ROWS = 5;
  private static final Options OPTIONS =
      Options.defaults().withNulls(Nulls.MASK).withStorage(Storage.AS_BYTES);
  private static final DictionaryEncoding ENCODING =
      new DictionaryEncoding(1, false, new ArrowType.Int(32, true));

  /** Numbers with nulls, text, and indices into {@code no, yes}; batch i has i * 100 in it. */
  private static byte[] ipc(BufferAllocator allocator, int batches) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    Field indices = new Field("d", new FieldType(true, ENCODING.getIndexType(), ENCODING), null);
    try (IntVector numbers = new IntVector("n", allocator);
        VarCharVector text = new VarCharVector("s", allocator);
        IntVector encoded = (IntVector) indices.createVector(allocator);
        VarCharVector words = new VarCharVector("words", allocator)) {
      words.setSafe(0, "no".getBytes(StandardCharsets.UTF_8));
      words.setSafe(1, "yes".getBytes(StandardCharsets.UTF_8));
      words.setValueCount(2);
      DictionaryProvider provider =
          new DictionaryProvider.MapDictionaryProvider(new Dictionary(words, ENCODING));
      try (VectorSchemaRoot root = VectorSchemaRoot.of(numbers, text, encoded);
          ArrowStreamWriter writer = new ArrowStreamWriter(root, provider, out)) {
        writer.start();
        for (int batch = 0; batch < batches; batch++) {
          root.clear();
          for (int i = 0; i < ROWS; i++) {
            if (i != 3) {
              numbers.setSafe(i, 100 * batch + i);
            }
            text.setSafe(i, ("row " + batch + "." + i).getBytes(StandardCharsets.UTF_8));
            encoded.setSafe(i, i % 2);
          }
          root.setRowCount(ROWS);
          writer.writeBatch();
        }
        writer.end();
      }
    }
    return out.toByteArray();
  }

  private static ArrowReader reader(BufferAllocator allocator, byte[] ipc) {
    return new ArrowStreamReader(new ByteArrayInputStream(ipc), allocator);
  }

  private static void assertIsBatch(OwnedBatch batch, int index) {
    assertThat(batch.rowCount()).isEqualTo(ROWS);
    assertThat(batch.column("n").values().byteBuffer().asIntBuffer().get(4))
        .isEqualTo(100 * index + 4);
    assertThat(batch.column("n").validity().byteBuffer().get(3)).isZero();
    DeviceColumn text = batch.column("s");
    byte[] bytes = new byte[7];
    text.values().byteBuffer().get(bytes);
    assertThat(new String(bytes, StandardCharsets.UTF_8)).isEqualTo("row " + index + ".0");
    assertThat(batch.column("d").values().byteBuffer().asIntBuffer().get(1)).isEqualTo(1);
    assertThat(batch.column("d").dictionary().values().byteBuffer().get(2)).isEqualTo((byte) 'y');
  }

  private static void assertSchema(BatchSchema schema) {
    assertThat(schema.columns())
        .containsExactly(
            BatchSchema.Column.scalar("n", DType.INT32).withNullable(true),
            BatchSchema.Column.string("s").withNullable(true),
            BatchSchema.Column.scalar("d", DType.INT32).withNullable(true));
  }

  @Test
  void theirStreamGivesItsBatchesAndThenItsEnd(BufferAllocator allocator) throws IOException {
    byte[] ipc = ipc(allocator, 3);
    List<OwnedBatch> batches = new ArrayList<>();
    try (ArrowArrayStream struct = ArrowArrayStream.allocateNew(allocator)) {
      Data.exportArrayStream(allocator, reader(allocator, ipc), struct);
      try (BatchStream stream = CData.takeStream(struct.memoryAddress(), OPTIONS)) {
        assertThat(struct.snapshot().release).as("moved").isZero();
        assertSchema(stream.schema());
        for (OwnedBatch batch = stream.next(); batch != null; batch = stream.next()) {
          batches.add(batch);
        }
        assertThat(stream.next()).as("behind the end").isNull();
      }
    }
    assertThat(batches).hasSize(3);
    for (int i = 0; i < 3; i++) {
      assertIsBatch(batches.get(i), i); // each outlives the stream
      batches.get(i).close();
    }
  }

  @Test
  void theyReadOurStreamWhereItIs(BufferAllocator allocator) throws IOException {
    BatchStream source = Vectors.stream(reader(allocator, ipc(allocator, 3)), OPTIONS);
    assertSchema(source.schema());
    List<Long> addresses = new ArrayList<>();
    BatchStream watched =
        new BatchStream() {
          @Override
          public BatchSchema schema() {
            return source.schema();
          }

          @Override
          public OwnedBatch next() {
            OwnedBatch batch = source.next();
            if (batch != null) {
              addresses.add(batch.column("n").values().address());
            }
            return batch;
          }

          @Override
          public void close() {
            source.close();
          }
        };
    try (ArrowArrayStream struct = ArrowArrayStream.allocateNew(allocator)) {
      CData.exportStream(watched, Options.defaults(), struct.memoryAddress());
      try (ArrowReader imported = Data.importArrayStream(allocator, struct)) {
        VectorSchemaRoot root = imported.getVectorSchemaRoot();
        for (int i = 0; i < 3; i++) {
          assertThat(imported.loadNextBatch()).as("batch %d", i).isTrue();
          assertThat(root.getRowCount()).isEqualTo(ROWS);
          FieldVector numbers = root.getVector("n");
          assertThat(numbers.getDataBufferAddress()).isEqualTo(addresses.get(i));
          assertThat(numbers.getObject(4)).isEqualTo(100 * i + 4);
          assertThat(numbers.isNull(3)).isTrue();
          assertThat(root.getVector("s").getObject(0)).hasToString("row " + i + ".0");
          long id = root.getVector("d").getField().getDictionary().getId();
          assertThat(imported.lookup(id).getVector().getObject(1)).hasToString("yes");
        }
        assertThat(imported.loadNextBatch()).as("the end").isFalse();
        assertThat(imported.loadNextBatch()).as("behind the end").isFalse();
      }
    }
  }

  @Test
  void aReaderIsAStreamWithoutC(BufferAllocator allocator) throws IOException {
    BatchStream stream = Vectors.stream(reader(allocator, ipc(allocator, 2)), OPTIONS);
    OwnedBatch first = stream.next();
    OwnedBatch second = stream.next();
    assertThat(stream.next()).isNull();
    stream.close();
    stream.close();
    assertIsBatch(first, 0);
    assertIsBatch(second, 1);
    first.close();
    second.close();
    assertThatThrownBy(stream::next)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageStartingWith("Cannot read a stream that was closed");
  }

  @Test
  void oneBatchIsAStreamForThem(BufferAllocator allocator) throws IOException {
    try (IntVector vector = new IntVector("v", allocator);
        ArrowArrayStream struct = ArrowArrayStream.allocateNew(allocator)) {
      vector.setSafe(0, 7);
      vector.setValueCount(1);
      try (OwnedBatch batch =
          DeviceBatch.from(Vectors.view(VectorSchemaRoot.of(vector)), Options.defaults())) {
        CData.exportStream(batch, Options.defaults(), struct.memoryAddress());
      }
      try (ArrowReader imported = Data.importArrayStream(allocator, struct)) {
        assertThat(imported.loadNextBatch()).isTrue();
        FieldVector numbers = imported.getVectorSchemaRoot().getVector("v");
        assertThat(numbers.getDataBufferAddress()).isEqualTo(vector.getDataBufferAddress());
        assertThat(imported.loadNextBatch()).isFalse();
      }
    }
  }

  @Test
  void anEmptyStreamStillHasItsSchema(BufferAllocator allocator) throws IOException {
    BatchSchema schema =
        BatchSchema.of(
            BatchSchema.Column.scalar("x", DType.BFLOAT16),
            BatchSchema.Column.tensor("t", DType.FLOAT32, 2L, 3L),
            BatchSchema.Column.string("s"),
            new BatchSchema.Column("l", ColumnKind.LIST, DType.INT64, List.of(), true));
    try (ArrowArrayStream struct = ArrowArrayStream.allocateNew(allocator)) {
      CData.exportStream(new Empty(schema), OPTIONS, struct.memoryAddress());
      try (ArrowReader imported = Data.importArrayStream(allocator, struct)) {
        assertThat(imported.getVectorSchemaRoot().getSchema().getFields())
            .extracting(Object::toString)
            .containsExactly(
                "x: FixedSizeBinary(2)",
                "t: FixedSizeList(2)<item: FixedSizeList(3)<item: FloatingPoint(SINGLE)>>",
                "s: Utf8",
                "l: List<item: Int(64, true)>");
        assertThat(imported.loadNextBatch()).isFalse();
      }
    }
    try (ArrowArrayStream struct = ArrowArrayStream.allocateNew(allocator)) {
      CData.exportStream(new Empty(schema), OPTIONS, struct.memoryAddress());
      try (BatchStream back = CData.takeStream(struct.memoryAddress(), OPTIONS)) {
        assertThat(back.schema().columns())
            .containsExactlyElementsOf(
                schema.columns().stream().map(column -> column.withNullable(true)).toList());
        assertThat(back.next()).isNull();
      }
    }
  }

  private record Empty(BatchSchema schema) implements BatchStream {
    @Override
    public OwnedBatch next() {
      return null;
    }

    @Override
    public void close() {}
  }

  @Test
  void theirFailureArrivesWithItsText(BufferAllocator allocator) throws IOException {
    byte[] ipc = ipc(allocator, 2);
    byte[] cut = java.util.Arrays.copyOf(ipc, ipc.length / 2);
    try (ArrowArrayStream struct = ArrowArrayStream.allocateNew(allocator)) {
      Data.exportArrayStream(allocator, reader(allocator, cut), struct);
      try (BatchStream stream = CData.takeStream(struct.memoryAddress(), OPTIONS)) {
        assertThatThrownBy(
                () -> {
                  while (true) {
                    stream.next().close();
                  }
                })
            .isInstanceOf(StreamException.class)
            .hasMessageMatching(
                "(?s)Cannot read the next batch of an ArrowArrayStream: error 5 of its producer:"
                    + " .*Unexpected end of stream.*")
            .extracting(e -> ((StreamException) e).errno())
            .isEqualTo(5);
      }
    }
  }

  @Test
  void ourFailureArrivesWithItsText(BufferAllocator allocator) throws IOException {
    BatchStream failing =
        new BatchStream() {
          @Override
          public BatchSchema schema() {
            return BatchSchema.of();
          }

          @Override
          public OwnedBatch next() {
            throw new IllegalStateException("die Größe stimmt nicht");
          }

          @Override
          public void close() {}
        };
    try (ArrowArrayStream struct = ArrowArrayStream.allocateNew(allocator)) {
      CData.exportStream(failing, OPTIONS, struct.memoryAddress());
      try (ArrowReader imported = Data.importArrayStream(allocator, struct)) {
        assertThatThrownBy(imported::loadNextBatch)
            .isInstanceOf(IOException.class)
            .hasMessageContaining("die Größe stimmt nicht");
      }
    }
  }
}
