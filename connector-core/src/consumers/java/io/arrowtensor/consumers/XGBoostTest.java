package io.arrowtensor.consumers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.arrowtensor.CopyReason;
import io.arrowtensor.DType;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.Memory;
import io.arrowtensor.Nulls;
import io.arrowtensor.Options;
import io.arrowtensor.Outcome;
import io.arrowtensor.TypeCode;
import io.arrowtensor.arrow.Vectors;
import io.arrowtensor.internal.Native;
import io.arrowtensor.python.ArrayInterface;
import io.arrowtensor.testing.Columns;
import io.arrowtensor.testing.DlpackStruct;
import io.arrowtensor.testing.NoLeaks;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import ml.dmlc.xgboost4j.java.Booster;
import ml.dmlc.xgboost4j.java.DMatrix;
import ml.dmlc.xgboost4j.java.XGBoost;
import ml.dmlc.xgboost4j.java.XGBoostError;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.Float4Vector;
import org.apache.arrow.vector.Float8Vector;
import org.apache.arrow.vector.IntVector;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * XGBoost reads columns and matrices by the JSON of their array interface, and predicts what its
 * own Java API predicts for the same values, missing ones included.
 *
 * <p>By XGBoost's source (2.1.4) {@code XGDMatrixCreateFromX} copies every value that is present
 * into pages of the matrix ({@code SparsePage::Push}), and {@code XGBoosterPredictFromX} reads the
 * caller's memory during the call and keeps nothing of it when it is given no proxy matrix.
 */
@ExtendWith(NoLeaks.class)
class XGBoostTest {
  private static final int ROWS = 300;
  private static final int COLUMNS = 3;
  private static final String MATRIX_OF_COLUMNS = "XGDMatrixCreateFromColumnar";
  private static final String MATRIX_OF_ROWS = "XGDMatrixCreateFromDense";
  private static final String PREDICT_COLUMNS = "XGBoosterPredictFromColumnar";
  private static final String PREDICT_ROWS = "XGBoosterPredictFromDense";

  /** Row-major; NaN for what is missing. */
  private static final float[] DATA = data();

  private static Booster java;
  private static CBooster booster;

  private long memory;

  private static float[] data() {
    Random random = new Random(4);
    float[] data = new float[ROWS * COLUMNS];
    for (int i = 0; i < data.length; i++) {
      boolean missing = i % COLUMNS != 0 && random.nextInt(5) == 0;
      data[i] = missing ? Float.NaN : random.nextInt(100);
    }
    return data;
  }

  @BeforeAll
  static void train() throws XGBoostError {
    assumeTrue(System.getProperty("os.name").equals("Linux"), "the library is found by /proc");
    float[] labels = new float[ROWS];
    for (int row = 0; row < ROWS; row++) {
      float second = DATA[row * COLUMNS + 1];
      labels[row] = DATA[row * COLUMNS] * 2 + (Float.isNaN(second) ? -50 : second);
    }
    DMatrix matrix = new DMatrix(DATA, ROWS, COLUMNS, Float.NaN);
    matrix.setLabel(labels);
    java = XGBoost.train(matrix, Map.of("max_depth", 4, "nthread", 1), 10, Map.of(), null, null);
    matrix.dispose();
    booster = new CBooster(java);
  }

  @AfterAll
  static void free() {
    if (booster != null) {
      booster.close();
      java.dispose();
    }
  }

  @BeforeEach
  void allocate() {
    memory = Native.allocate(8L * DATA.length, 64);
  }

  @AfterEach
  void freeMemory() {
    Native.free(memory);
  }

  /** What XGBoost's Java API says of row-major values. */
  private static float[] expected(float[] data) throws XGBoostError {
    DMatrix matrix = new DMatrix(data, data.length / COLUMNS, COLUMNS, Float.NaN);
    float[][] rows = java.predict(matrix);
    matrix.dispose();
    float[] flat = new float[rows.length];
    for (int i = 0; i < flat.length; i++) {
      flat[i] = rows[i][0];
    }
    assertThat(flat).doesNotContain(Float.NaN);
    return flat;
  }

  @Test
  void columnsOfArrowPredictWhatTheJavaApiPredicts(BufferAllocator allocator) throws Exception {
    Options missing = Options.defaults().withNulls(Nulls.fill(Double.NaN));
    try (IntVector first = ints(allocator);
        Float4Vector second = floats(allocator);
        Float8Vector third = doubles(allocator);
        DeviceArray a = DeviceArray.from(Vectors.view(first));
        DeviceArray b = DeviceArray.from(Vectors.view(second), missing);
        DeviceArray c = DeviceArray.from(Vectors.view(third), missing)) {
      assertThat(a.address()).isEqualTo(first.getDataBufferAddress());
      assertThat(b.outcome()).isEqualTo(Outcome.copied(4 * ROWS, CopyReason.NULL_FILL));
      String json = columns(a, b, c);
      assertThat(json).contains("[" + a.address() + ",true]");
      checkColumns(json, expected(DATA));
    }
  }

  @Test
  void slicesOfColumnsPredictTheirRows(BufferAllocator allocator) throws Exception {
    Options missing = Options.defaults().withNulls(Nulls.fill(Double.NaN));
    try (IntVector first = ints(allocator);
        Float4Vector second = floats(allocator);
        Float8Vector third = doubles(allocator);
        FieldVector a = slice(first);
        FieldVector b = slice(second);
        FieldVector c = slice(third);
        DeviceArray x = DeviceArray.from(Vectors.view(a));
        DeviceArray y = DeviceArray.from(Vectors.view(b), missing);
        DeviceArray z = DeviceArray.from(Vectors.view(c), missing)) {
      assertThat(x.address()).isEqualTo(first.getDataBufferAddress() + 4 * 37);
      float[] rows = new float[101 * COLUMNS];
      System.arraycopy(DATA, 37 * COLUMNS, rows, 0, rows.length);
      checkColumns(columns(x, y, z), expected(rows));
    }
  }

  private static void checkColumns(String json, float[] expected) {
    assertThat(booster.predictInPlace(PREDICT_COLUMNS, json)).isEqualTo(expected);
    long matrix = booster.matrix(MATRIX_OF_COLUMNS, json);
    assertThat(booster.predict(matrix)).isEqualTo(expected);
    booster.freeMatrix(matrix);
  }

  static Stream<DType> types() {
    return Stream.concat(
        Stream.of(TypeCode.INT, TypeCode.UINT)
            .flatMap(code -> Stream.of(8, 16, 32, 64).map(bits -> new DType(code, bits, 1))),
        Stream.of(DType.FLOAT32, DType.FLOAT64));
  }

  @ParameterizedTest
  @MethodSource("types")
  void everyNumericTypeIsReadAsItsValues(DType type) throws Exception {
    ByteBuffer values = DlpackStruct.buffer(memory, 8 * DATA.length);
    int width = type.itemSize();
    for (int row = 0; row < ROWS; row++) {
      int value = (int) DATA[row * COLUMNS];
      if (type.equals(DType.FLOAT32)) {
        values.putFloat(width * row, value);
      } else if (type.equals(DType.FLOAT64)) {
        values.putDouble(width * row, value);
      } else {
        // The low bytes come first; the next row overwrites those that are too many.
        values.putLong(width * row, value);
      }
    }
    FloatBuffer others = DlpackStruct.buffer(memory, 8 * DATA.length).asFloatBuffer();
    for (int row = 0; row < ROWS; row++) {
      others.put(3 * ROWS + row, DATA[row * COLUMNS + 1]);
      others.put(4 * ROWS + row, DATA[row * COLUMNS + 2]);
    }
    try (DeviceArray first = DeviceArray.from(Memory.borrow(memory, type, ROWS));
        DeviceArray second = floatsAt(3 * ROWS);
        DeviceArray third = floatsAt(4 * ROWS)) {
      checkColumns(columns(first, second, third), expected(DATA));
    }
  }

  private DeviceArray floatsAt(int index) {
    return DeviceArray.from(Memory.borrow(memory + 4L * index, DType.FLOAT32, ROWS));
  }

  @Test
  void matricesByRowsAndByColumnsPredictTheSame() throws Exception {
    float[] expected = expected(DATA);
    try (DeviceArray rows = rowMajor()) {
      checkMatrix(ArrayInterface.of(rows).toJson(), expected);
    }
    FloatBuffer transposed = DlpackStruct.buffer(memory, 4 * DATA.length).asFloatBuffer();
    for (int i = 0; i < DATA.length; i++) {
      transposed.put(i % COLUMNS * ROWS + i / COLUMNS, DATA[i]);
    }
    Memory byColumns = Memory.borrow(memory, DType.FLOAT32, ROWS, COLUMNS).withStrides(1, ROWS);
    try (DeviceArray columns = DeviceArray.from(byColumns)) {
      String json = ArrayInterface.of(columns).toJson();
      assertThat(json).contains("\"strides\":[4,1200]");
      checkMatrix(json, expected);
    }
  }

  private static void checkMatrix(String json, float[] expected) {
    assertThat(booster.predictInPlace(PREDICT_ROWS, json)).isEqualTo(expected);
    long matrix = booster.matrix(MATRIX_OF_ROWS, json);
    assertThat(booster.predict(matrix)).isEqualTo(expected);
    booster.freeMatrix(matrix);
  }

  @Test
  void matricesOfXGBoostAreCopiesAndPredictionsInPlaceAreNot() throws Exception {
    try (DeviceArray rows = rowMajor()) {
      String json = ArrayInterface.of(rows).toJson();
      long matrix = booster.matrix(MATRIX_OF_ROWS, json);
      float[] changed = new float[DATA.length];
      DlpackStruct.buffer(memory, 4 * DATA.length).asFloatBuffer().put(changed);
      assertThat(booster.predictInPlace(PREDICT_ROWS, json))
          .isEqualTo(expected(changed))
          .isNotEqualTo(expected(DATA));
      assertThat(booster.predict(matrix)).isEqualTo(expected(DATA));
      booster.freeMatrix(matrix);
    }
  }

  /** XGBoost reads masks on GPUs only: on the CPU what is missing must be NaN. */
  @Test
  void masksAreRefusedByXGBoostOnTheCpu(BufferAllocator allocator) {
    try (Float4Vector vector = floats(allocator);
        DeviceColumn masked =
            DeviceColumn.from(Vectors.view(vector), Options.defaults().withNulls(Nulls.MASK))) {
      ArrayInterface bits =
          ArrayInterface.of(masked.values())
              .withMask(ArrayInterface.bitmap(vector.getValidityBufferAddress(), ROWS));
      for (ArrayInterface column : List.of(ArrayInterface.of(masked), bits)) {
        String json = "[" + column.toJson() + "]";
        assertThat(json).contains("\"mask\":{");
        assertThatThrownBy(() -> booster.predictInPlace(PREDICT_COLUMNS, json))
            .hasMessageContaining("Masked array is not yet supported.");
        assertThatThrownBy(() -> booster.matrix(MATRIX_OF_COLUMNS, json))
            .hasMessageContaining("Masked array is not yet supported.");
      }
    }
  }

  /** The data as rows of floats in this test's memory. */
  private DeviceArray rowMajor() {
    DlpackStruct.buffer(memory, 4 * DATA.length).asFloatBuffer().put(DATA);
    return DeviceArray.from(Memory.borrow(memory, DType.FLOAT32, ROWS, COLUMNS));
  }

  private static String columns(DeviceArray... columns) {
    return Stream.of(columns)
        .map(column -> ArrayInterface.of(column).toJson())
        .collect(Collectors.joining(",", "[", "]"));
  }

  private static FieldVector slice(FieldVector vector) {
    return Columns.slice(vector, 37, 101, vector.getAllocator());
  }

  private static IntVector ints(BufferAllocator allocator) {
    IntVector vector = new IntVector("first", allocator);
    vector.allocateNew(ROWS);
    for (int row = 0; row < ROWS; row++) {
      vector.set(row, (int) DATA[row * COLUMNS]);
    }
    vector.setValueCount(ROWS);
    return vector;
  }

  private static Float4Vector floats(BufferAllocator allocator) {
    Float4Vector vector = new Float4Vector("second", allocator);
    vector.allocateNew(ROWS);
    for (int row = 0; row < ROWS; row++) {
      float value = DATA[row * COLUMNS + 1];
      if (!Float.isNaN(value)) {
        vector.set(row, value);
      }
    }
    vector.setValueCount(ROWS);
    return vector;
  }

  private static Float8Vector doubles(BufferAllocator allocator) {
    Float8Vector vector = new Float8Vector("third", allocator);
    vector.allocateNew(ROWS);
    for (int row = 0; row < ROWS; row++) {
      float value = DATA[row * COLUMNS + 2];
      if (!Float.isNaN(value)) {
        vector.set(row, value);
      }
    }
    vector.setValueCount(ROWS);
    return vector;
  }
}
