package io.arrowtensor.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.Copy;
import io.arrowtensor.CopyReason;
import io.arrowtensor.CopyRefusedException;
import io.arrowtensor.DType;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.Memory;
import io.arrowtensor.Nulls;
import io.arrowtensor.NullsException;
import io.arrowtensor.Options;
import io.arrowtensor.Outcome;
import io.arrowtensor.Storage;
import io.arrowtensor.internal.NativeBytes;
import io.arrowtensor.internal.RawMemory;
import io.arrowtensor.internal.Scope;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.IntFunction;
import java.util.stream.Stream;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.Float8Vector;
import org.apache.spark.sql.execution.vectorized.ConstantColumnVector;
import org.apache.spark.sql.execution.vectorized.Dictionary;
import org.apache.spark.sql.execution.vectorized.OffHeapColumnVector;
import org.apache.spark.sql.execution.vectorized.OnHeapColumnVector;
import org.apache.spark.sql.execution.vectorized.WritableColumnVector;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.Decimal;
import org.apache.spark.sql.types.Metadata;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.vectorized.ArrowColumnVector;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.apache.spark.sql.vectorized.ColumnarArray;
import org.apache.spark.sql.vectorized.ColumnarMap;
import org.apache.spark.unsafe.types.UTF8String;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Each kind of vector, by address where it has one, by value where it has not. */
class VectorReaderTest {
  private static final int ROWS = 5;

  private final BufferAllocator allocator = new RootAllocator();
  private final Options options = Options.defaults().withAllocator(allocator);
  private final Scope scope = new Scope("the batch");

  @AfterEach
  void nothingIsHeld() {
    assertThat(NativeBytes.held()).as("native bytes held").isZero();
    allocator.close();
  }

  private DeviceColumn read(DataType type, ColumnVector vector, Options options) {
    StructField field = new StructField("c", type, true, Metadata.empty());
    return new VectorReader(field, vector, ROWS, options, scope).read();
  }

  private static OffHeapColumnVector offHeapDoubles() {
    OffHeapColumnVector vector = new OffHeapColumnVector(ROWS, DataTypes.DoubleType);
    for (int i = 0; i < ROWS; i++) {
      vector.putDouble(i, i + 0.5);
    }
    return vector;
  }

  static Stream<Arguments> scalars() {
    return Stream.of(
        scalar(
            DataTypes.BooleanType, DType.BOOL, (v, i) -> v.putBoolean(i, i % 2 == 1), i -> i % 2),
        scalar(DataTypes.ByteType, DType.INT8, (v, i) -> v.putByte(i, (byte) -i), i -> -i),
        scalar(
            DataTypes.ShortType,
            DType.INT16,
            (v, i) -> v.putShort(i, (short) (-300 * i)),
            i -> -300 * i),
        scalar(
            DataTypes.IntegerType,
            DType.INT32,
            (v, i) -> v.putInt(i, -70_000 * i),
            i -> -70_000 * i),
        scalar(
            DataTypes.LongType,
            DType.INT64,
            (v, i) -> v.putLong(i, -5_000_000_000L * i),
            i -> -5e9 * i),
        scalar(
            DataTypes.FloatType, DType.FLOAT32, (v, i) -> v.putFloat(i, i + 0.25f), i -> i + 0.25),
        scalar(
            DataTypes.DoubleType, DType.FLOAT64, (v, i) -> v.putDouble(i, i + 0.5), i -> i + 0.5));
  }

  private interface Put {
    void put(WritableColumnVector vector, int row);
  }

  private static Arguments scalar(DataType type, DType dtype, Put put, IntFunction<Number> value) {
    return Arguments.of(type, dtype, put, value);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("scalars")
  void offHeapValuesAreReadAtTheirAddressAndOnHeapOnesCopied(
      DataType type, DType dtype, Put put, IntFunction<Number> value) {
    OffHeapColumnVector offHeap = new OffHeapColumnVector(ROWS, type);
    OnHeapColumnVector onHeap = new OnHeapColumnVector(ROWS, type);
    for (WritableColumnVector vector : new WritableColumnVector[] {offHeap, onHeap}) {
      for (int i = 0; i < ROWS; i++) {
        put.put(vector, i);
      }
      try (DeviceColumn column = read(type, vector, options)) {
        DeviceArray array = column.array();
        assertThat(array.dtype()).as("dtype").isEqualTo(dtype);
        for (int i = 0; i < ROWS; i++) {
          assertThat(Sum.at(array, i)).as("value %d", i).isEqualTo(value.apply(i).doubleValue());
        }
        long bytes = (long) ROWS * dtype.itemSize();
        assertThat(array.outcome())
            .as("outcome")
            .isEqualTo(
                vector == offHeap
                    ? Outcome.zeroCopy(bytes)
                    : Outcome.copied(bytes, CopyReason.ON_HEAP));
        assertThat(vector != offHeap || array.address() == offHeap.valuesNativeAddress())
            .as("at the vector's own address")
            .isTrue();
      }
      vector.close();
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("scalars")
  void nullsOfEveryTypeAreFilledAndTheirNeighboursKept(
      DataType type, DType dtype, Put put, IntFunction<Number> value) {
    for (WritableColumnVector vector :
        new WritableColumnVector[] {
          new OffHeapColumnVector(ROWS, type), new OnHeapColumnVector(ROWS, type)
        }) {
      for (int i = 0; i < ROWS; i++) {
        put.put(vector, i);
      }
      vector.putNull(2);
      try (DeviceColumn column = read(type, vector, options.withNulls(Nulls.fill(1)))) {
        for (int i = 0; i < ROWS; i++) {
          assertThat(Sum.at(column.array(), i))
              .as("%s value %d", dtype, i)
              .isEqualTo(i == 2 ? 1 : value.apply(i).doubleValue());
        }
      }
      vector.close();
    }
  }

  @Test
  void aLongOnHeapColumnIsCopiedWhole() {
    int rows = 10_001;
    StructField field = new StructField("c", DataTypes.LongType, true, Metadata.empty());
    try (OnHeapColumnVector vector = new OnHeapColumnVector(rows, DataTypes.LongType)) {
      for (int i = 0; i < rows; i++) {
        vector.putLong(i, 7L * i);
      }
      try (DeviceColumn column = new VectorReader(field, vector, rows, options, scope).read()) {
        for (int i = 0; i < rows; i++) {
          assertThat(RawMemory.longAt(column.array().address() + 8L * i)).isEqualTo(7L * i);
        }
      }
    }
  }

  @Test
  void denseArraysOnTheHeapAreOneCopy() {
    try (OnHeapColumnVector vector =
        new OnHeapColumnVector(ROWS, DataTypes.createArrayType(DataTypes.FloatType))) {
      vector.arrayData().reserve(3 * ROWS);
      for (int i = 0; i < 3 * ROWS; i++) {
        vector.arrayData().putFloat(i, i);
        vector.putArray(i / 3, i / 3 * 3, 3);
      }
      DataType type = DataTypes.createArrayType(DataTypes.FloatType);
      try (DeviceColumn column = read(type, vector, options)) {
        assertThat(values(column.array())).as("values").startsWith(0, 1, 2, 3).endsWith(14);
        assertThat(column.array().outcome())
            .as("outcome")
            .isEqualTo(Outcome.copied(60, CopyReason.ON_HEAP));
      }
    }
  }

  @Test
  void aDictionaryIsDecodedAndItsNullSlotsAreNotLookedUp() {
    try (OffHeapColumnVector vector = new OffHeapColumnVector(ROWS, DataTypes.DoubleType)) {
      WritableColumnVector ids = vector.reserveDictionaryIds(ROWS);
      vector.setDictionary(new Squares());
      for (int i = 0; i < ROWS; i++) {
        ids.putInt(i, i == 3 ? 1_000_000 : i);
      }
      vector.putNull(3);
      try (DeviceColumn column =
          read(DataTypes.DoubleType, vector, options.withNulls(Nulls.fill(-1)))) {
        assertThat(values(column.values())).as("values").containsExactly(0, 1, 4, -1, 16);
        assertThat(column.values().outcome())
            .as("outcome")
            .isEqualTo(Outcome.copied(40, CopyReason.DICTIONARY));
        assertThat(column.values().outcome().decodedBytes()).as("decoded").isEqualTo(40);
      }
    }
  }

  @Test
  void garbageInNullSlotsIsRefusedMaskedOrFilled() {
    try (OffHeapColumnVector vector = offHeapDoubles()) {
      vector.putNull(2);
      assertThatThrownBy(() -> read(DataTypes.DoubleType, vector, options))
          .isInstanceOf(NullsException.class)
          .hasMessageContaining("column 'c' with nulls: row 2 of the batch is the first");
      try (DeviceColumn masked =
          read(DataTypes.DoubleType, vector, options.withNulls(Nulls.MASK))) {
        assertThat(masked.values().address())
            .as("masked values at their own address")
            .isEqualTo(vector.valuesNativeAddress());
        assertThat(values(java.util.Objects.requireNonNull(masked.validity())))
            .as("validity")
            .containsExactly(1, 1, 0, 1, 1);
      }
      try (DeviceColumn filled =
          read(DataTypes.DoubleType, vector, options.withNulls(Nulls.fill(9)))) {
        assertThat(values(filled.array())).as("filled").containsExactly(0.5, 1.5, 9, 3.5, 4.5);
        assertThat(filled.array().outcome().reason()).as("why").isEqualTo(CopyReason.NULL_FILL);
      }
      try (DeviceColumn propagated =
          read(DataTypes.DoubleType, vector, options.withNulls(Nulls.PROPAGATE))) {
        assertThat(values(propagated.values()))
            .as("computed on")
            .containsExactly(0.5, 1.5, 0, 3.5, 4.5);
        assertThat(propagated.validity()).as("validity").isNotNull();
      }
    }
  }

  @Test
  void aColumnOfNullsOnlyMayHaveNothingBehindItsAddress() {
    try (OffHeapColumnVector vector = new OffHeapColumnVector(ROWS, DataTypes.DoubleType)) {
      vector.setMissing();
      try (DeviceColumn column =
          read(DataTypes.DoubleType, vector, options.withNulls(Nulls.MASK))) {
        assertThat(values(column.values())).as("values").containsOnly(0);
        assertThat(column.values().outcome().reason()).as("why").isEqualTo(CopyReason.CONSTANT);
        assertThat(values(java.util.Objects.requireNonNull(column.validity())))
            .as("validity")
            .containsOnly(0);
      }
    }
  }

  @Test
  void aConstantIsWrittenOut() {
    try (ConstantColumnVector vector = new ConstantColumnVector(ROWS, DataTypes.IntegerType)) {
      vector.setInt(42);
      vector.setNotNull();
      try (DeviceColumn column = read(DataTypes.IntegerType, vector, options)) {
        assertThat(values(column.array())).as("values").containsOnly(42);
        assertThat(column.array().outcome().reason()).as("why").isEqualTo(CopyReason.CONSTANT);
      }
    }
  }

  @Test
  void aReusedVectorIsReadAnew() {
    try (OffHeapColumnVector vector = offHeapDoubles()) {
      try (DeviceColumn first = read(DataTypes.DoubleType, vector, options)) {
        assertThat(values(first.array())).as("first batch").contains(4.5);
      }
      vector.reset();
      for (int i = 0; i < ROWS; i++) {
        vector.putDouble(i, -i);
      }
      try (DeviceColumn second = read(DataTypes.DoubleType, vector, options)) {
        assertThat(values(second.array())).as("second batch").containsExactly(0, -1, -2, -3, -4);
      }
    }
  }

  @Test
  void aWrapperWithARowMappingIsReadThroughItsGetters() {
    try (Backwards vector = new Backwards()) {
      try (DeviceColumn column = read(DataTypes.DoubleType, vector, options)) {
        assertThat(values(column.array())).as("values").containsExactly(4.5, 3.5, 2.5, 1.5, 0.5);
        assertThat(column.array().outcome().reason()).as("why").isEqualTo(CopyReason.ROWS);
      }
    }
  }

  @Test
  void aPluggedInFormatIsReadAtItsAddress(@TempDir Path folder) throws IOException {
    try (URLClassLoader loader = naming(folder, PluggedAdapter.class.getName());
        Plugged vector = new Plugged()) {
      Memory memory = DirectValues.of(DirectValues.adapters(loader), vector, DType.FLOAT64, ROWS);
      assertThat(memory).as("memory").isNotNull();
      assertThat(memory.start()).as("address").isEqualTo(vector.rows.valuesNativeAddress());
    }
  }

  @Test
  void aFormatThatCannotBeLoadedIsNamed(@TempDir Path folder) throws IOException {
    try (URLClassLoader loader = naming(folder, "no.such.Adapter")) {
      assertThatThrownBy(() -> DirectValues.adapters(loader))
          .isInstanceOf(InterchangeException.class)
          .hasMessageContaining("no.such.Adapter")
          .hasMessageContaining("repair or remove the jar");
    }
  }

  private static URLClassLoader naming(Path folder, String provider) throws IOException {
    Path services = Files.createDirectories(folder.resolve("META-INF/services"));
    Files.writeString(services.resolve(ColumnVectorAdapter.class.getName()), provider);
    return new URLClassLoader(
        new URL[] {folder.toUri().toURL()}, VectorReaderTest.class.getClassLoader());
  }

  @Test
  void anArrowVectorIsReadAtItsAddress() {
    try (Float8Vector values = new Float8Vector("c", allocator)) {
      values.allocateNew(ROWS);
      for (int i = 0; i < ROWS; i++) {
        values.set(i, i * 2);
      }
      values.setValueCount(ROWS);
      try (DeviceColumn column =
          read(DataTypes.DoubleType, new ArrowColumnVector(values), options)) {
        assertThat(column.array().address()).as("address").isEqualTo(values.getDataBufferAddress());
        assertThat(values(column.array())).as("values").containsExactly(0, 2, 4, 6, 8);
      }
    }
  }

  @Test
  void denseArraysAreOneTensorAtTheirOwnAddress() {
    try (OffHeapColumnVector vector = arrays(3, 3, 3, 3, 3)) {
      DataType type = DataTypes.createArrayType(DataTypes.FloatType);
      try (DeviceColumn column = read(type, vector, options)) {
        OffHeapColumnVector elements = (OffHeapColumnVector) vector.arrayData();
        assertThat(column.array().shape()).as("shape").containsExactly(ROWS, 3);
        assertThat(column.array().address())
            .as("address")
            .isEqualTo(elements.valuesNativeAddress());
        assertThat(values(column.array())).as("values").startsWith(0, 1, 2, 3).endsWith(14);
      }
    }
  }

  @Test
  void arraysWithGapsAreCopied() {
    try (OffHeapColumnVector vector = arrays(3, 3, 3, 3, 3)) {
      vector.putArray(1, 6, 3);
      vector.putArray(2, 3, 3);
      DataType type = DataTypes.createArrayType(DataTypes.FloatType);
      try (DeviceColumn column = read(type, vector, options)) {
        assertThat(values(column.array())).as("values").startsWith(0, 1, 2, 6, 7, 8, 3, 4, 5, 9);
        assertThat(column.array().outcome().reason()).as("why").isEqualTo(CopyReason.ROWS);
      }
    }
  }

  @Test
  void aNullArrayIsFilledAsAWhole() {
    try (OffHeapColumnVector vector = arrays(3, 3, 3, 3, 3)) {
      vector.putNull(0);
      DataType type = DataTypes.createArrayType(DataTypes.FloatType);
      try (DeviceColumn column = read(type, vector, options.withNulls(Nulls.PROPAGATE))) {
        assertThat(values(column.values())).as("values").startsWith(0, 0, 0, 3, 4, 5);
      }
    }
  }

  @Test
  void arraysOfDifferentSizesNameTheRow() {
    try (OffHeapColumnVector vector = arrays(3, 3, 2, 3, 3)) {
      DataType type = DataTypes.createArrayType(DataTypes.FloatType);
      assertThatThrownBy(() -> read(type, vector, options))
          .isInstanceOf(InterchangeException.class)
          .hasMessageContaining("row 2 of the batch has 2 elements, others have 3; pad or cut");
    }
  }

  @Test
  void aNullInsideAnArrayIsRefusedUnlessFilled() {
    try (OffHeapColumnVector vector = arrays(3, 3, 3, 3, 3)) {
      vector.arrayData().putNull(4);
      DataType type = DataTypes.createArrayType(DataTypes.FloatType);
      assertThatThrownBy(() -> read(type, vector, options))
          .isInstanceOf(NullsException.class)
          .hasMessageContaining("nulls inside arrays: row 1");
      try (DeviceColumn column = read(type, vector, options.withNulls(Nulls.fill(-1)))) {
        assertThat(values(column.array())).as("values").startsWith(0, 1, 2, 3, -1, 5);
      }
    }
  }

  @Test
  void stringsAreBytesWithOffsetsWhenAskedFor() {
    try (OnHeapColumnVector vector = new OnHeapColumnVector(ROWS, DataTypes.StringType)) {
      for (int i = 0; i < ROWS; i++) {
        vector.putByteArray(i, "ab".repeat(i).getBytes(java.nio.charset.StandardCharsets.UTF_8));
      }
      try (DeviceColumn column =
          read(DataTypes.StringType, vector, options.withStorage(Storage.AS_BYTES))) {
        assertThat(values(java.util.Objects.requireNonNull(column.offsets())))
            .as("offsets")
            .containsExactly(0, 0, 2, 6, 12, 20);
        assertThat(RawMemory.byteAt(column.values().address() + 1))
            .as("a byte")
            .isEqualTo((byte) 'b');
      }
    }
  }

  @Test
  void aCopyThatIsNotAllowedIsRefused() {
    try (OnHeapColumnVector vector = new OnHeapColumnVector(ROWS, DataTypes.DoubleType)) {
      assertThatThrownBy(() -> read(DataTypes.DoubleType, vector, options.withCopy(Copy.NEVER)))
          .isInstanceOf(CopyRefusedException.class)
          .hasMessageContaining("column 'c'")
          .hasMessageContaining("spark.sql.columnVector.offheap.enabled");
    }
  }

  private static OffHeapColumnVector arrays(int... sizes) {
    OffHeapColumnVector vector =
        new OffHeapColumnVector(ROWS, DataTypes.createArrayType(DataTypes.FloatType));
    int at = 0;
    for (int row = 0; row < ROWS; row++) {
      vector.arrayData().reserve(at + sizes[row]);
      vector.putArray(row, at, sizes[row]);
      for (int i = 0; i < sizes[row]; i++) {
        vector.arrayData().putFloat(at, at);
        at++;
      }
    }
    return vector;
  }

  private static double[] values(DeviceArray array) {
    double[] values = new double[(int) array.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = Sum.at(array, i);
    }
    return values;
  }

  /** Maps rows, as readers of tables with deleted rows do. */
  private static class Backwards extends ColumnVector {
    final OffHeapColumnVector rows = offHeapDoubles();

    Backwards() {
      super(DataTypes.DoubleType);
    }

    @Override
    public double getDouble(int row) {
      return rows.getDouble(ROWS - 1 - row);
    }

    @Override
    public void close() {
      rows.close();
    }

    @Override
    public boolean hasNull() {
      return false;
    }

    @Override
    public int numNulls() {
      return 0;
    }

    @Override
    public boolean isNullAt(int row) {
      return false;
    }

    @Override
    public boolean getBoolean(int row) {
      throw new UnsupportedOperationException();
    }

    @Override
    public byte getByte(int row) {
      throw new UnsupportedOperationException();
    }

    @Override
    public short getShort(int row) {
      throw new UnsupportedOperationException();
    }

    @Override
    public int getInt(int row) {
      throw new UnsupportedOperationException();
    }

    @Override
    public long getLong(int row) {
      throw new UnsupportedOperationException();
    }

    @Override
    public float getFloat(int row) {
      throw new UnsupportedOperationException();
    }

    @Override
    public ColumnarArray getArray(int row) {
      throw new UnsupportedOperationException();
    }

    @Override
    public ColumnarMap getMap(int row) {
      throw new UnsupportedOperationException();
    }

    @Override
    public Decimal getDecimal(int row, int precision, int scale) {
      throw new UnsupportedOperationException();
    }

    @Override
    public UTF8String getUTF8String(int row) {
      throw new UnsupportedOperationException();
    }

    @Override
    public byte[] getBinary(int row) {
      throw new UnsupportedOperationException();
    }

    @Override
    public ColumnVector getChild(int ordinal) {
      throw new UnsupportedOperationException();
    }
  }

  private static final class Plugged extends Backwards {}

  public static final class PluggedAdapter implements ColumnVectorAdapter {
    @Override
    public Optional<Memory> values(ColumnVector vector, DType dtype, int rows) {
      return vector.getClass() == Plugged.class
          ? Optional.of(Memory.borrow(((Plugged) vector).rows.valuesNativeAddress(), dtype, rows))
          : Optional.empty();
    }
  }

  private static final class Squares implements Dictionary {
    @Override
    public int decodeToInt(int id) {
      throw new UnsupportedOperationException();
    }

    @Override
    public long decodeToLong(int id) {
      throw new UnsupportedOperationException();
    }

    @Override
    public float decodeToFloat(int id) {
      throw new UnsupportedOperationException();
    }

    @Override
    public double decodeToDouble(int id) {
      if (id >= ROWS) {
        throw new ArrayIndexOutOfBoundsException(id);
      }
      return (double) id * id;
    }

    @Override
    public byte[] decodeToBinary(int id) {
      throw new UnsupportedOperationException();
    }
  }
}
