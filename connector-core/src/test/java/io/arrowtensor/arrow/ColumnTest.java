package io.arrowtensor.arrow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.arrowtensor.Access;
import io.arrowtensor.ColumnKind;
import io.arrowtensor.Copy;
import io.arrowtensor.CopyReason;
import io.arrowtensor.DType;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.Nulls;
import io.arrowtensor.NullsException;
import io.arrowtensor.Options;
import io.arrowtensor.Outcome;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.Storage;
import io.arrowtensor.UnsupportedTypeException;
import io.arrowtensor.testing.Columns;
import io.arrowtensor.testing.NoLeaks;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.BitVectorHelper;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.IntVector;
import org.apache.arrow.vector.LargeVarCharVector;
import org.apache.arrow.vector.VarBinaryVector;
import org.apache.arrow.vector.VarCharVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.complex.LargeListVector;
import org.apache.arrow.vector.complex.ListVector;
import org.apache.arrow.vector.complex.StructVector;
import org.apache.arrow.vector.complex.impl.UnionListWriter;
import org.apache.arrow.vector.dictionary.Dictionary;
import org.apache.arrow.vector.dictionary.DictionaryProvider;
import org.apache.arrow.vector.ipc.ArrowStreamReader;
import org.apache.arrow.vector.ipc.ArrowStreamWriter;
import org.apache.arrow.vector.types.UnionMode;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.DictionaryEncoding;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.FieldType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Columns that are more than one array, and whole roots. */
@ExtendWith(NoLeaks.class)
class ColumnTest {
  private static final Options DEFAULTS = Options.defaults();
  private static final Options BYTES = DEFAULTS.withStorage(Storage.AS_BYTES);
  private static final List<List<Integer>> LISTS =
      List.of(List.of(1, 2, 3), List.of(), List.of(4), List.of(5, 6), List.of(7, 8, 9, 10));

  @Test
  void listsAreValuesAndOffsets(BufferAllocator allocator) {
    try (ListVector vector = lists(allocator);
        DeviceColumn column = DeviceColumn.from(Vectors.view(vector))) {
      assertThat(column.kind()).isEqualTo(ColumnKind.LIST);
      assertThat(column.rowCount()).isEqualTo(5);
      assertThat(column.values().address())
          .isEqualTo(vector.getDataVector().getDataBufferAddress());
      assertThat(column.offsets().address()).isEqualTo(vector.getOffsetBufferAddress());
      assertThat(column.offsets().outcome()).isEqualTo(Outcome.zeroCopy(24));
      assertRows(column, LISTS);
      assertThatThrownBy(column::array)
          .isInstanceOf(UnsupportedTypeException.class)
          .hasMessage(
              "Cannot use column 'lists' as one array: its rows differ in length;"
                  + " read values() together with offsets()");
    }
  }

  @Test
  void slicedListsAreTheRowsOfTheSlice(BufferAllocator allocator) {
    try (ListVector vector = lists(allocator)) {
      for (int start = 0; start < 5; start++) {
        for (int length = 0; start + length <= 5; length++) {
          try (FieldVector slice = Columns.slice(vector, start, length, allocator);
              DeviceColumn column = DeviceColumn.from(Vectors.view(slice))) {
            assertRows(column, LISTS.subList(start, start + length));
          }
        }
      }
    }
  }

  @Test
  void listsBecomeVectorsOverTheSameMemory(BufferAllocator allocator) {
    try (ListVector vector = lists(allocator);
        DeviceColumn column = DeviceColumn.from(Vectors.view(vector));
        VectorSchemaRoot back = rootOf(column, allocator)) {
      ListVector list = (ListVector) back.getVector("lists");
      for (int i = 0; i < 5; i++) {
        assertThat(list.getObject(i)).as("row %d", i).isEqualTo(LISTS.get(i));
      }
      assertThat(list.getOffsetBufferAddress()).isEqualTo(vector.getOffsetBufferAddress());
      assertThat(list.getDataVector().getDataBufferAddress())
          .isEqualTo(vector.getDataVector().getDataBufferAddress());
    }
  }

  @Test
  void largeListsKeepTheirOffsetsOf64Bits(BufferAllocator allocator) {
    try (LargeListVector vector = LargeListVector.empty("lists", allocator)) {
      vector.addOrGetVector(FieldType.nullable(new ArrowType.Int(32, true)));
      IntVector values = (IntVector) vector.getDataVector();
      for (int i = 0; i < LISTS.size(); i++) {
        long start = vector.startNewValue(i);
        for (int j = 0; j < LISTS.get(i).size(); j++) {
          values.setSafe((int) start + j, LISTS.get(i).get(j));
        }
        vector.endValue(i, LISTS.get(i).size());
      }
      values.setValueCount(10);
      vector.setValueCount(5);
      try (DeviceColumn column = DeviceColumn.from(Vectors.view(vector));
          VectorSchemaRoot back = rootOf(column, allocator)) {
        assertThat(column.offsets().dtype()).isEqualTo(DType.INT64);
        assertRows(column, LISTS);
        assertThat(back.getVector("lists").getObject(4)).isEqualTo(LISTS.get(4));
      }
    }
  }

  @Test
  void nullsInsideListsAreRefusedOrFilled(BufferAllocator allocator) {
    try (ListVector vector = lists(allocator)) {
      ((IntVector) vector.getDataVector()).setNull(3);
      for (Nulls policy : List.of(Nulls.REJECT, Nulls.MASK, Nulls.PROPAGATE)) {
        assertThatThrownBy(
                () -> DeviceColumn.from(Vectors.view(vector), DEFAULTS.withNulls(policy)))
            .isInstanceOf(NullsException.class)
            .hasMessage(
                "Cannot hand out column 'lists' with nulls inside its lists: element 3 of the"
                    + " values is the first; fill them with Options.withNulls(Nulls.fill(value))");
      }
      try (DeviceColumn column =
          DeviceColumn.from(Vectors.view(vector), DEFAULTS.withNulls(Nulls.fill(-4)))) {
        assertThat(column.values().byteBuffer().getInt(12)).isEqualTo(-4);
        assertThat(column.values().outcome()).isEqualTo(Outcome.copied(40, CopyReason.NULL_FILL));
      }
    }
  }

  @Test
  void nullListsAreMasked(BufferAllocator allocator) {
    try (ListVector vector = lists(allocator)) {
      BitVectorHelper.unsetBit(vector.getValidityBuffer(), 3); // setNull would move the offsets
      assertThatThrownBy(() -> DeviceColumn.from(Vectors.view(vector)))
          .isInstanceOf(NullsException.class)
          .hasMessageContaining("column 'lists' with nulls: row 3 is the first");
      try (DeviceColumn column =
              DeviceColumn.from(Vectors.view(vector), DEFAULTS.withNulls(Nulls.MASK));
          VectorSchemaRoot back = rootOf(column, allocator)) {
        assertThat(bytes(column.validity())).containsExactly(1, 1, 1, 0, 1);
        assertThat(back.getVector("lists").isNull(3)).isTrue();
        assertThat(back.getVector("lists").getNullCount()).isEqualTo(1);
        assertThat(back.getVector("lists").getObject(4)).isEqualTo(LISTS.get(4));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void stringsAreBytesWithOffsetsWhenAsked(boolean large, BufferAllocator allocator) {
    List<String> texts = List.of("", "größe", "x", "", "日本");
    try (FieldVector vector = large ? largeStrings(texts, allocator) : strings(texts, allocator)) {
      assertThatThrownBy(() -> DeviceColumn.from(Vectors.view(vector)))
          .isInstanceOf(UnsupportedTypeException.class)
          .hasMessageContaining("tensors have no strings; ask for bytes with offsets");
      for (int start = 0; start < 5; start++) {
        try (FieldVector slice = Columns.slice(vector, start, 5 - start, allocator);
            DeviceColumn column = DeviceColumn.from(Vectors.view(slice), BYTES);
            VectorSchemaRoot back = rootOf(column, allocator)) {
          assertThat(column.kind()).isEqualTo(ColumnKind.STRING);
          assertThat(column.offsets().dtype()).isEqualTo(large ? DType.INT64 : DType.INT32);
          for (int i = 0; start + i < 5; i++) {
            assertThat(text(column, i)).as("%d, row %d", start, i).isEqualTo(texts.get(start + i));
            assertThat(back.getVector("text").getObject(i)).hasToString(texts.get(start + i));
          }
        }
      }
    }
  }

  @Test
  void bytesAreBytes(BufferAllocator allocator) {
    try (VarBinaryVector vector = new VarBinaryVector("bytes", allocator)) {
      vector.allocateNew();
      vector.setSafe(0, new byte[] {1, 2, 3});
      vector.setSafe(1, new byte[] {-1});
      vector.setValueCount(2);
      try (DeviceColumn column = DeviceColumn.from(Vectors.view(vector), BYTES)) {
        assertThat(column.kind()).isEqualTo(ColumnKind.BINARY);
        assertThat(bytes(column.values())).containsExactly(1, 2, 3, -1);
        assertThat(column.values().address()).isEqualTo(vector.getDataBufferAddress());
      }
    }
  }

  @Test
  void dictionariesAreIndicesAndTheirValues(BufferAllocator allocator) {
    DictionaryEncoding encoding = new DictionaryEncoding(7, false, new ArrowType.Int(8, true));
    FieldType type = new FieldType(true, new ArrowType.Int(8, true), encoding);
    try (VarCharVector values = strings(List.of("red", "green"), allocator);
        FieldVector indices = new Field("color", type, null).createVector(allocator)) {
      Dictionary dictionary = new Dictionary(values, encoding);
      DictionaryProvider provider = new DictionaryProvider.MapDictionaryProvider(dictionary);
      indices.allocateNew();
      for (int i = 0; i < 3; i++) {
        indices.getDataBuffer().setByte(i, i % 2);
        BitVectorHelper.setBit(indices.getValidityBuffer(), i);
      }
      indices.setValueCount(3);
      assertThatThrownBy(() -> DeviceColumn.from(Vectors.view(indices), BYTES))
          .isInstanceOf(UnsupportedTypeException.class)
          .hasMessageContaining("no dictionary with id 7 was given");
      assertThatThrownBy(() -> DeviceArray.from(Vectors.view(indices, provider), BYTES))
          .isInstanceOf(UnsupportedTypeException.class)
          .hasMessageContaining("indices into a dictionary; use DeviceColumn.from");
      try (DeviceColumn column = DeviceColumn.from(Vectors.view(indices, provider), BYTES)) {
        assertThat(column.values().address()).isEqualTo(indices.getDataBufferAddress());
        assertThat(bytes(column.values())).containsExactly(0, 1, 0);
        assertThat(text(column.dictionary(), 1)).isEqualTo("green");
        assertThatThrownBy(column::array)
            .hasMessageContaining("its values are dictionary indices; read values() together");
      }
    }
  }

  static Stream<ArrowType> unsupported() {
    return Stream.of(
        new ArrowType.Null(),
        new ArrowType.Decimal(10, 2, 128),
        new ArrowType.Decimal(50, 2, 256),
        new ArrowType.FixedSizeBinary(4),
        new ArrowType.Struct(),
        new ArrowType.Map(false),
        new ArrowType.Union(UnionMode.Sparse, null),
        new ArrowType.Union(UnionMode.Dense, null),
        new ArrowType.Interval(org.apache.arrow.vector.types.IntervalUnit.DAY_TIME));
  }

  @ParameterizedTest
  @MethodSource("unsupported")
  void typesWithoutATensorFormAreRefusedUnderEveryPolicy(
      ArrowType type, BufferAllocator allocator) {
    Field key = new Field("key", FieldType.notNullable(new ArrowType.Int(32, true)), null);
    FieldType struct = FieldType.notNullable(new ArrowType.Struct());
    List<Field> children =
        type instanceof ArrowType.Map
            ? List.of(new Field("entries", struct, List.of(key, key)))
            : List.of();
    try (FieldVector vector =
        new Field("odd", FieldType.nullable(type), children).createVector(allocator)) {
      vector.allocateNew();
      vector.setValueCount(3);
      for (Nulls policy :
          List.of(Nulls.REJECT, Nulls.MASK, Nulls.fill(0), Nulls.PROPAGATE, Nulls.ASSUME_NONE)) {
        Options options = BYTES.withNulls(policy);
        assertThatThrownBy(() -> DeviceArray.from(Vectors.view(vector), options))
            .as("%s", policy)
            .isInstanceOf(UnsupportedTypeException.class)
            .hasMessageStartingWith(
                "Cannot hand out column 'odd' of type " + vector.getField().getType());
        assertThatThrownBy(() -> DeviceColumn.from(Vectors.view(vector), options))
            .as("%s", policy)
            .isInstanceOf(UnsupportedTypeException.class);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "2,16", "2,16,1,1", "2,8,1", "17,4,2", "x,16,1", "300,16,1", "4,0,1"})
  void brokenElementTypesAreRefused(String metadata, BufferAllocator allocator) {
    Map<String, String> extension =
        Map.of("ARROW:extension:name", "arrowtensor.dtype", "ARROW:extension:metadata", metadata);
    FieldType type = new FieldType(true, new ArrowType.FixedSizeBinary(2), null, extension);
    try (FieldVector vector = new Field("odd", type, null).createVector(allocator)) {
      assertThatThrownBy(() -> DeviceArray.from(Vectors.view(vector)))
          .isInstanceOf(InterchangeException.class)
          .hasMessageStartingWith("Invalid ")
          .hasMessageContaining("extension arrowtensor.dtype in column 'odd'");
    }
  }

  @Test
  void structsAreBatches(BufferAllocator allocator) {
    try (StructVector struct = StructVector.empty("s", allocator)) {
      IntVector first =
          struct.addOrGet("a", FieldType.nullable(new ArrowType.Int(32, true)), IntVector.class);
      struct.allocateNew();
      for (int i = 0; i < 3; i++) {
        first.setSafe(i, i * 10);
        struct.setIndexDefined(i);
      }
      struct.setValueCount(3);
      try (OwnedBatch batch = DeviceBatch.from(Vectors.view(struct))) {
        assertThat(batch.rowCount()).isEqualTo(3);
        assertThat(batch.column("a").array().address()).isEqualTo(first.getDataBufferAddress());
      }
      struct.setNull(1);
      assertThatThrownBy(
              () -> DeviceBatch.from(Vectors.view(struct), DEFAULTS.withNulls(Nulls.MASK)))
          .isInstanceOf(NullsException.class)
          .hasMessageContaining("row 1 is the first; filter such rows out");
    }
  }

  @Test
  void rootsFromAReaderOutliveItsBatchesAndItself(BufferAllocator allocator) throws IOException {
    byte[] stream = stream(allocator);
    OwnedBatch first;
    OwnedBatch second;
    try (ArrowStreamReader reader =
        new ArrowStreamReader(new ByteArrayInputStream(stream), allocator)) {
      VectorSchemaRoot root = reader.getVectorSchemaRoot();
      assertThat(reader.loadNextBatch()).isTrue();
      long address = root.getVector("n").getDataBufferAddress();
      first = DeviceBatch.from(Vectors.view(root, reader), DEFAULTS.withNulls(Nulls.MASK));
      assertThat(first.column("n").values().address()).isEqualTo(address);
      assertThat(reader.loadNextBatch()).isTrue();
      second = DeviceBatch.from(Vectors.view(root, reader), DEFAULTS.withNulls(Nulls.MASK));
    }
    try (first;
        second;
        VectorSchemaRoot back = Vectors.toRoot(second, allocator, DEFAULTS)) {
      assertThat(first.column("n").values().byteBuffer().getInt(8)).isEqualTo(2);
      assertThat(second.column("n").values().byteBuffer().getInt(8)).isEqualTo(102);
      assertThat(bytes(first.column("n").validity())).containsExactly(1, 0, 1, 1);
      assertThat(back.getRowCount()).isEqualTo(4);
      assertThat(back.getVector("n").getObject(0)).isEqualTo(100);
      assertThat(back.getVector("n").getObject(1)).isNull();
      assertThat(back.getVector("n").getObject(3)).isEqualTo(103);
    }
  }

  @Test
  void aRootWithOneColumnTooManyIsRefusedAsAWhole(BufferAllocator allocator) {
    try (VectorSchemaRoot root =
        VectorSchemaRoot.of(ints("a", 3, allocator), strings(List.of("x", "y", "z"), allocator))) {
      assertThatThrownBy(() -> DeviceBatch.from(Vectors.view(root)))
          .isInstanceOf(UnsupportedTypeException.class)
          .hasMessageContaining("column 'text'");
    }
    try (VectorSchemaRoot root =
        new VectorSchemaRoot(List.of(ints("a", 3, allocator), ints("b", 2, allocator)))) {
      root.getVector("b").setValueCount(2);
      assertThatThrownBy(() -> DeviceBatch.from(Vectors.view(root)))
          .isInstanceOf(InterchangeException.class)
          .hasMessage("Invalid column 'b': it has 2 rows, the batch has 3");
    }
  }

  @Test
  void aWritableViewIsGrantedOnlyOnMemoryThatNobodyElseHolds(BufferAllocator allocator) {
    Options writable = DEFAULTS.withAccess(Access.WRITABLE).withCopy(Copy.NEVER);
    try (BufferAllocator child = allocator.newChildAllocator("child", 0, Long.MAX_VALUE)) {
      for (BufferAllocator owner : List.of(allocator, child)) {
        try (IntVector vector = ints("n", 10, owner)) {
          try (DeviceArray array = DeviceArray.from(Vectors.view(vector), writable)) {
            assertThat(array.isReadOnly()).isFalse();
            assertThat(array.address()).isEqualTo(vector.getDataBufferAddress());
            assertThatThrownBy(() -> DeviceArray.from(Vectors.view(vector), writable))
                .as("a second view while the first is open")
                .hasMessageContaining("(READ_ONLY)");
          }
          DeviceArray.from(Vectors.view(vector), writable).close();
        }
      }
    }
  }

  @Test
  void fieldsThatCannotBeNullAreNotScanned(BufferAllocator allocator) {
    FieldType type = FieldType.notNullable(new ArrowType.Int(32, true));
    try (IntVector vector = new IntVector("n", type, allocator)) {
      vector.allocateNew(4);
      vector.setValueCount(4); // no validity bit is set
      assumeTrue(vector.getNullCount() == 4, "this Arrow sets the bits of such fields itself");
      DeviceArray.from(Vectors.view(vector)).close();
    }
  }

  private static ListVector lists(BufferAllocator allocator) {
    ListVector vector = ListVector.empty("lists", allocator);
    UnionListWriter writer = vector.getWriter();
    writer.allocate();
    for (List<Integer> row : LISTS) {
      writer.startList();
      row.forEach(writer::writeInt);
      writer.endList();
    }
    writer.setValueCount(LISTS.size());
    return vector;
  }

  private static IntVector ints(String name, int rows, BufferAllocator allocator) {
    IntVector vector = new IntVector(name, allocator);
    vector.allocateNew(rows);
    for (int i = 0; i < rows; i++) {
      vector.set(i, i);
    }
    vector.setValueCount(rows);
    return vector;
  }

  private static VarCharVector strings(List<String> texts, BufferAllocator allocator) {
    VarCharVector vector = new VarCharVector("text", allocator);
    vector.allocateNew();
    for (int i = 0; i < texts.size(); i++) {
      vector.setSafe(i, texts.get(i).getBytes(StandardCharsets.UTF_8));
    }
    vector.setValueCount(texts.size());
    return vector;
  }

  private static LargeVarCharVector largeStrings(List<String> texts, BufferAllocator allocator) {
    LargeVarCharVector vector = new LargeVarCharVector("text", allocator);
    vector.allocateNew();
    for (int i = 0; i < texts.size(); i++) {
      vector.setSafe(i, texts.get(i).getBytes(StandardCharsets.UTF_8));
    }
    vector.setValueCount(texts.size());
    return vector;
  }

  /** Two batches of 4 rows with the second row null; the second counts from 100. */
  private static byte[] stream(BufferAllocator allocator) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (VectorSchemaRoot root = VectorSchemaRoot.of(ints("n", 4, allocator));
        ArrowStreamWriter writer = new ArrowStreamWriter(root, null, bytes)) {
      IntVector vector = (IntVector) root.getVector("n");
      vector.setNull(1);
      writer.writeBatch();
      for (int i = 0; i < 4; i++) {
        vector.set(i, 100 + i);
      }
      vector.setNull(1);
      writer.writeBatch();
    }
    return bytes.toByteArray();
  }

  private static VectorSchemaRoot rootOf(DeviceColumn column, BufferAllocator allocator) {
    return Vectors.toRoot(new DeviceBatch(column.rowCount(), List.of(column)), allocator, DEFAULTS);
  }

  private static void assertRows(DeviceColumn column, List<List<Integer>> rows) {
    assertThat(column.rowCount()).isEqualTo(rows.size());
    ByteBuffer values = column.values().byteBuffer();
    for (int i = 0; i < rows.size(); i++) {
      int start = (int) offset(column, i);
      assertThat(offset(column, i + 1) - start).as("row %d", i).isEqualTo(rows.get(i).size());
      for (int j = 0; j < rows.get(i).size(); j++) {
        assertThat(values.getInt(4 * (start + j))).isEqualTo(rows.get(i).get(j));
      }
    }
  }

  private static long offset(DeviceColumn column, int i) {
    ByteBuffer offsets = column.offsets().byteBuffer();
    return column.offsets().dtype().equals(DType.INT64)
        ? offsets.getLong(8 * i)
        : offsets.getInt(4 * i);
  }

  private static String text(DeviceColumn column, int i) {
    byte[] all = bytes(column.values());
    int start = (int) offset(column, i);
    return new String(all, start, (int) offset(column, i + 1) - start, StandardCharsets.UTF_8);
  }

  private static byte[] bytes(DeviceArray array) {
    byte[] bytes = new byte[(int) array.nbytes()];
    array.byteBuffer().get(bytes);
    return bytes;
  }
}
