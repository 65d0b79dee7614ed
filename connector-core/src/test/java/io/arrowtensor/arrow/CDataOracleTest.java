package io.arrowtensor.arrow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.ColumnKind;
import io.arrowtensor.DType;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.Memory;
import io.arrowtensor.Nulls;
import io.arrowtensor.NullsException;
import io.arrowtensor.Options;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.Storage;
import io.arrowtensor.internal.NativeBytes;
import io.arrowtensor.internal.RawMemory;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.apache.arrow.c.ArrowArray;
import org.apache.arrow.c.ArrowSchema;
import org.apache.arrow.c.CDataDictionaryProvider;
import org.apache.arrow.c.Data;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.BaseFixedWidthVector;
import org.apache.arrow.vector.BigIntVector;
import org.apache.arrow.vector.BitVector;
import org.apache.arrow.vector.BitVectorHelper;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.FixedSizeBinaryVector;
import org.apache.arrow.vector.Float4Vector;
import org.apache.arrow.vector.IntVector;
import org.apache.arrow.vector.LargeVarCharVector;
import org.apache.arrow.vector.VarBinaryVector;
import org.apache.arrow.vector.VarCharVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.complex.FixedSizeListVector;
import org.apache.arrow.vector.complex.ListVector;
import org.apache.arrow.vector.complex.impl.UnionListWriter;
import org.apache.arrow.vector.dictionary.Dictionary;
import org.apache.arrow.vector.dictionary.DictionaryProvider;
import org.apache.arrow.vector.types.DateUnit;
import org.apache.arrow.vector.types.FloatingPointPrecision;
import org.apache.arrow.vector.types.TimeUnit;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.DictionaryEncoding;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.FieldType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Against Arrow's own C Data module, in both directions. */
class CDataOracleTest {
  private static final int ROWS = 21;
  private static final Options MASK =
      Options.defaults().withNulls(Nulls.MASK).withStorage(Storage.AS_INTEGERS);
  private static final Options BYTES = MASK.withStorage(Storage.AS_BYTES);

  private final long heldBefore = NativeBytes.held();
  private final BufferAllocator allocator = new RootAllocator();
  private final Random random = new Random(7);
  private ArrowSchema schema;
  private ArrowArray array;

  @BeforeEach
  void makeStructs() {
    schema = ArrowSchema.allocateNew(allocator);
    array = ArrowArray.allocateNew(allocator);
  }

  @AfterEach
  void nothingIsLeft() {
    schema.close();
    array.close();
    allocator.close(); // throws when a byte is left
    assertThat(NativeBytes.held()).as("native bytes held").isEqualTo(heldBefore);
  }

  private ArrowSource take() {
    return CData.take(schema.memoryAddress(), array.memoryAddress());
  }

  private void export(DeviceColumn column) {
    CData.export(column, Options.defaults(), schema.memoryAddress(), array.memoryAddress());
    column.close();
  }

  private FieldVector imported() {
    FieldVector imported = Data.importVector(allocator, array, schema, null);
    schema.close();
    array.close();
    makeStructs();
    return imported;
  }

  static Stream<Arguments> numbers() {
    List<Arguments> all = new ArrayList<>();
    for (int bits : new int[] {8, 16, 32, 64}) {
      for (boolean signed : new boolean[] {true, false}) {
        add(all, new ArrowType.Int(bits, signed), signed ? "int" + bits : "uint" + bits);
      }
    }
    add(all, new ArrowType.FloatingPoint(FloatingPointPrecision.SINGLE), "float32");
    add(all, new ArrowType.FloatingPoint(FloatingPointPrecision.DOUBLE), "float64");
    add(all, new ArrowType.Date(DateUnit.DAY), "int32");
    add(all, new ArrowType.Date(DateUnit.MILLISECOND), "int64");
    add(all, new ArrowType.Time(TimeUnit.SECOND, 32), "int32");
    add(all, new ArrowType.Time(TimeUnit.MILLISECOND, 32), "int32");
    add(all, new ArrowType.Time(TimeUnit.MICROSECOND, 64), "int64");
    add(all, new ArrowType.Time(TimeUnit.NANOSECOND, 64), "int64");
    for (TimeUnit unit : TimeUnit.values()) {
      add(all, new ArrowType.Timestamp(unit, null), "int64");
      add(all, new ArrowType.Timestamp(unit, "Europe/Berlin"), "int64");
      add(all, new ArrowType.Duration(unit), "int64");
    }
    return all.stream();
  }

  private static void add(List<Arguments> all, ArrowType type, String dtype) {
    all.add(Arguments.of(type, dtype, false));
    all.add(Arguments.of(type, dtype, true));
  }

  private BaseFixedWidthVector numbers(ArrowType type, boolean nulls) {
    Field field = new Field("v", FieldType.nullable(type), null);
    BaseFixedWidthVector vector = (BaseFixedWidthVector) field.createVector(allocator);
    vector.allocateNew(ROWS);
    byte[] bytes = new byte[ROWS * vector.getTypeWidth()];
    random.nextBytes(bytes);
    RawMemory.copyFrom(bytes, 0, vector.getDataBufferAddress(), bytes.length);
    for (int i = 0; i < ROWS; i++) {
      if (!nulls || i % 5 != 3) {
        BitVectorHelper.setBit(vector.getValidityBuffer(), i);
      }
    }
    vector.setValueCount(ROWS);
    return vector;
  }

  private static void assertSameNulls(DeviceColumn column, FieldVector vector) {
    if (vector.getNullCount() == 0) {
      assertThat(column.validity()).as("validity").isNull();
      return;
    }
    ByteBuffer mask = column.validity().byteBuffer();
    for (int i = 0; i < vector.getValueCount(); i++) {
      assertThat(mask.get(i)).as("row %d", i).isEqualTo((byte) (vector.isNull(i) ? 0 : 1));
    }
  }

  @ParameterizedTest
  @MethodSource("numbers")
  void theirNumbersAreTakenWhereTheyAre(ArrowType type, String dtype, boolean nulls) {
    try (BaseFixedWidthVector vector = numbers(type, nulls)) {
      Data.exportVector(allocator, vector, null, array, schema);
      try (DeviceColumn column = DeviceColumn.from(take(), MASK)) {
        assertThat(column.name()).isEqualTo("v");
        assertThat(column.values().address()).isEqualTo(vector.getDataBufferAddress());
        assertThat(column.values().dtype()).hasToString(dtype);
        assertThat(column.values().shape()).containsExactly(ROWS);
        assertSameNulls(column, vector);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("numbers")
  void ourNumbersAreImportedWhereTheyAre(ArrowType type, String dtype, boolean nulls) {
    try (BaseFixedWidthVector vector = numbers(type, nulls)) {
      export(DeviceColumn.from(Vectors.view(vector), MASK));
      try (FieldVector imported = imported()) {
        assertThat(imported.getDataBufferAddress()).isEqualTo(vector.getDataBufferAddress());
        assertThat(imported.getValueCount()).isEqualTo(ROWS);
        assertThat(imported.getField().getName()).isEqualTo("v");
        assertThat(imported.getNullCount()).isEqualTo(vector.getNullCount());
        for (int i = 0; i < ROWS; i++) {
          assertThat(imported.isNull(i)).as("row %d", i).isEqualTo(vector.isNull(i));
        }
      }
    }
  }

  @Test
  void theirNullsAreRejectedByDefault() {
    try (BaseFixedWidthVector vector = numbers(new ArrowType.Int(32, true), true)) {
      Data.exportVector(allocator, vector, null, array, schema);
      assertThatThrownBy(() -> DeviceArray.from(take()))
          .isInstanceOf(NullsException.class)
          .hasMessageContaining("column 'v' with nulls: row 3 is the first");
    }
  }

  @Test
  void theirBooleansAreUnpackedAndOursAreBool8() {
    try (BitVector vector = new BitVector("b", allocator)) {
      vector.allocateNew(ROWS);
      for (int i = 0; i < ROWS; i++) {
        vector.set(i, i % 3 == 1 ? 1 : 0);
      }
      vector.setValueCount(ROWS);
      Data.exportVector(allocator, vector, null, array, schema);
      DeviceColumn column = DeviceColumn.from(take());
      assertThat(column.values().dtype()).isEqualTo(DType.BOOL);
      long address = column.values().address();
      export(column);
      try (FieldVector bytes = imported()) {
        assertThat(bytes.getDataBufferAddress()).isEqualTo(address);
        assertThat(bytes.getField().getMetadata())
            .containsEntry("ARROW:extension:name", "arrow.bool8");
        for (int i = 0; i < ROWS; i++) {
          assertThat(RawMemory.byteAt(address + i)).isEqualTo((byte) (i % 3 == 1 ? 1 : 0));
        }
      }
    }
  }

  private FixedSizeListVector tensors(Map<String, String> metadata) {
    Field leaf = new Field("item", FieldType.nullable(new ArrowType.Int(64, true)), null);
    Field inner =
        new Field("item", FieldType.nullable(new ArrowType.FixedSizeList(3)), List.of(leaf));
    boolean flat = !metadata.isEmpty();
    Field field =
        new Field(
            "t",
            new FieldType(true, new ArrowType.FixedSizeList(flat ? 6 : 2), null, metadata),
            List.of(flat ? leaf : inner));
    FixedSizeListVector vector = (FixedSizeListVector) field.createVector(allocator);
    vector.setInitialCapacity(4);
    vector.allocateNew();
    FieldVector elements = vector.getDataVector();
    if (elements instanceof FixedSizeListVector lists) {
      for (int i = 0; i < 8; i++) {
        lists.setNotNull(i);
      }
      lists.setValueCount(8);
      elements = lists.getDataVector();
    }
    for (int i = 0; i < 24; i++) {
      ((BigIntVector) elements).setSafe(i, 100L + i);
    }
    elements.setValueCount(24);
    for (int i = 0; i < 4; i++) {
      vector.setNotNull(i);
    }
    vector.setValueCount(4);
    return vector;
  }

  @Test
  void nestedFixedListsGoBothWaysAsOneArray() {
    try (FixedSizeListVector vector = tensors(Map.of())) {
      long address =
          ((FixedSizeListVector) vector.getDataVector()).getDataVector().getDataBufferAddress();
      Data.exportVector(allocator, vector, null, array, schema);
      DeviceColumn column = DeviceColumn.from(take());
      assertThat(column.values().shape()).containsExactly(4, 2, 3);
      assertThat(column.values().address()).isEqualTo(address);
      export(column);
      try (FieldVector imported = imported()) {
        for (int i = 0; i < 4; i++) {
          assertThat(imported.getObject(i)).isEqualTo(vector.getObject(i));
        }
        FixedSizeListVector inner =
            (FixedSizeListVector) ((FixedSizeListVector) imported).getDataVector();
        assertThat(inner.getDataVector().getDataBufferAddress()).isEqualTo(address);
      }
    }
  }

  @Test
  void theirTensorMetadataIsUnderstood() {
    Map<String, String> metadata =
        Map.of(
            "ARROW:extension:name", "arrow.fixed_shape_tensor",
            "ARROW:extension:metadata", "{\"shape\":[2,3],\"permutation\":[1,0]}");
    try (FixedSizeListVector vector = tensors(metadata)) {
      Data.exportVector(allocator, vector, null, array, schema);
      try (DeviceArray tensor = DeviceArray.from(take())) {
        assertThat(tensor.shape()).containsExactly(4, 3, 2);
        assertThat(tensor.strides()).containsExactly(6, 1, 3);
        assertThat(tensor.address()).isEqualTo(vector.getDataVector().getDataBufferAddress());
      }
    }
  }

  @Test
  void elementTypesThatArrowLacksComeBackThroughTheirModule() {
    try (BigIntVector words = new BigIntVector("w", allocator)) {
      words.allocateNew(4);
      words.setValueCount(4);
      long address = words.getDataBufferAddress();
      Memory memory = Memory.borrow(address, DType.BFLOAT16, 16);
      CData.export(memory, "h", Options.defaults(), schema.memoryAddress(), array.memoryAddress());
      try (FieldVector imported = imported()) {
        assertThat(imported).isInstanceOf(FixedSizeBinaryVector.class);
        assertThat(imported.getField().getMetadata())
            .containsEntry("ARROW:extension:name", "arrowtensor.dtype")
            .containsEntry("ARROW:extension:metadata", "4,16,1");
        Data.exportVector(allocator, imported, null, array, schema);
      }
      try (DeviceArray back = DeviceArray.from(take())) {
        assertThat(back.dtype()).isEqualTo(DType.BFLOAT16);
        assertThat(back.address()).isEqualTo(address);
      }
    }
  }

  private static List<FieldVector> texts(BufferAllocator allocator) {
    VarCharVector text = new VarCharVector("s", allocator);
    LargeVarCharVector large = new LargeVarCharVector("s", allocator);
    VarBinaryVector binary = new VarBinaryVector("s", allocator);
    String[] values = {"", "one", null, "größer", "5"};
    for (int i = 0; i < values.length; i++) {
      if (values[i] != null) {
        byte[] utf8 = values[i].getBytes(StandardCharsets.UTF_8);
        text.setSafe(i, utf8);
        large.setSafe(i, utf8);
        binary.setSafe(i, utf8);
      }
    }
    List<FieldVector> all = List.of(text, large, binary);
    all.forEach(vector -> vector.setValueCount(values.length));
    return all;
  }

  @Test
  void stringsAndBytesGoBothWaysWithTheirNulls() {
    List<FieldVector> vectors = texts(allocator);
    for (FieldVector vector : vectors) {
      long data = vector.getDataBufferAddress();
      Data.exportVector(allocator, vector, null, array, schema);
      DeviceColumn column = DeviceColumn.from(take(), BYTES);
      assertThat(column.kind())
          .isEqualTo(vector instanceof VarBinaryVector ? ColumnKind.BINARY : ColumnKind.STRING);
      assertThat(column.values().address()).isEqualTo(data);
      assertSameNulls(column, vector);
      export(column);
      try (FieldVector imported = imported()) {
        assertThat(imported.getField().getType()).isEqualTo(vector.getField().getType());
        assertThat(imported.getDataBufferAddress()).isEqualTo(data);
        for (int i = 0; i < vector.getValueCount(); i++) {
          assertThat(imported.getObject(i)).isEqualTo(vector.getObject(i));
        }
      }
      vector.close();
    }
  }

  private ListVector lists() {
    ListVector vector = ListVector.empty("l", allocator);
    UnionListWriter writer = vector.getWriter();
    writer.allocate();
    for (int i = 0; i < 5; i++) {
      writer.setPosition(i);
      if (i != 2) {
        writer.startList();
        for (int k = 0; k < i; k++) {
          writer.writeInt(10 * i + k);
        }
        writer.endList();
      }
    }
    writer.setValueCount(5);
    return vector;
  }

  @Test
  void listsGoBothWaysWithTheirNulls() {
    try (ListVector vector = lists()) {
      long data = vector.getDataVector().getDataBufferAddress();
      Data.exportVector(allocator, vector, null, array, schema);
      DeviceColumn column = DeviceColumn.from(take(), MASK);
      assertThat(column.kind()).isEqualTo(ColumnKind.LIST);
      assertThat(column.values().address()).isEqualTo(data);
      assertSameNulls(column, vector);
      export(column);
      try (FieldVector imported = imported()) {
        for (int i = 0; i < 5; i++) {
          assertThat(imported.getObject(i)).isEqualTo(vector.getObject(i));
        }
        assertThat(((ListVector) imported).getDataVector().getDataBufferAddress()).isEqualTo(data);
      }
    }
  }

  @Test
  void dictionariesGoBothWays() {
    DictionaryEncoding encoding = new DictionaryEncoding(1, false, new ArrowType.Int(32, true));
    Field field = new Field("d", new FieldType(true, encoding.getIndexType(), encoding), null);
    try (IntVector indices = (IntVector) field.createVector(allocator);
        VarCharVector words = new VarCharVector("words", allocator)) {
      for (int i = 0; i < 6; i++) {
        if (i != 4) {
          indices.setSafe(i, i % 2);
        }
      }
      indices.setValueCount(6);
      words.setSafe(0, "no".getBytes(StandardCharsets.UTF_8));
      words.setSafe(1, "yes".getBytes(StandardCharsets.UTF_8));
      words.setValueCount(2);
      DictionaryProvider provider =
          new DictionaryProvider.MapDictionaryProvider(new Dictionary(words, encoding));
      Data.exportVector(allocator, indices, provider, array, schema);
      DeviceColumn column = DeviceColumn.from(take(), BYTES);
      assertThat(column.values().address()).isEqualTo(indices.getDataBufferAddress());
      assertThat(column.dictionary().values().address()).isEqualTo(words.getDataBufferAddress());
      assertSameNulls(column, indices);
      export(column);
      try (CDataDictionaryProvider found = new CDataDictionaryProvider();
          FieldVector imported = Data.importVector(allocator, array, schema, found)) {
        assertThat(imported.getDataBufferAddress()).isEqualTo(indices.getDataBufferAddress());
        FieldVector values = found.lookup(imported.getField().getDictionary().getId()).getVector();
        assertThat(values.getObject(0)).hasToString("no");
        assertThat(values.getObject(1)).hasToString("yes");
        assertThat(imported.isNull(4)).isTrue();
      }
    }
  }

  private VectorSchemaRoot root() {
    Float4Vector first = new Float4Vector("a", allocator);
    BigIntVector second = new BigIntVector("b", allocator);
    for (int i = 0; i < 9; i++) {
      first.setSafe(i, i / 2f);
      if (i != 6) {
        second.setSafe(i, -i);
      }
    }
    first.setValueCount(9);
    second.setValueCount(9);
    return VectorSchemaRoot.of(first, second);
  }

  @Test
  void batchesGoBothWays() {
    try (VectorSchemaRoot root = root()) {
      Data.exportVectorSchemaRoot(allocator, root, null, array, schema);
      try (OwnedBatch batch = DeviceBatch.from(take(), MASK)) {
        assertThat(batch.rowCount()).isEqualTo(9);
        for (FieldVector vector : root.getFieldVectors()) {
          DeviceColumn column = batch.column(vector.getName());
          assertThat(column.values().address()).isEqualTo(vector.getDataBufferAddress());
          assertSameNulls(column, vector);
        }
        CData.export(batch, Options.defaults(), schema.memoryAddress(), array.memoryAddress());
      }
      try (VectorSchemaRoot imported =
          Data.importVectorSchemaRoot(allocator, array, schema, null)) {
        assertThat(imported.getRowCount()).isEqualTo(9);
        assertThat(imported.contentToTSVString()).isEqualTo(root.contentToTSVString());
        assertThat(imported.getVector("a").getDataBufferAddress())
            .isEqualTo(root.getVector("a").getDataBufferAddress());
      }
    }
  }

  @Test
  void theirEmptyBatchAndOursAreEmpty() {
    try (VectorSchemaRoot root = root()) {
      root.clear();
      root.setRowCount(0);
      Data.exportVectorSchemaRoot(allocator, root, null, array, schema);
      try (OwnedBatch batch = DeviceBatch.from(take())) {
        assertThat(batch.rowCount()).isZero();
        CData.export(batch, Options.defaults(), schema.memoryAddress(), array.memoryAddress());
      }
      try (VectorSchemaRoot imported =
          Data.importVectorSchemaRoot(allocator, array, schema, null)) {
        assertThat(imported.getRowCount()).isZero();
        assertThat(imported.getSchema().getFields()).hasSize(2);
      }
    }
  }

  @Test
  void aFilledColumnIsImportedWithoutNulls() {
    try (BaseFixedWidthVector vector = numbers(new ArrowType.Int(32, true), true)) {
      export(DeviceColumn.from(Vectors.view(vector), Options.defaults().withNulls(Nulls.fill(17))));
      try (FieldVector imported = imported()) {
        assertThat(imported.getNullCount()).isZero();
        for (int i = 0; i < ROWS; i++) {
          Object expected = vector.isNull(i) ? 17 : vector.getObject(i);
          assertThat(imported.getObject(i)).as("row %d", i).isEqualTo(expected);
        }
      }
    }
  }
}
