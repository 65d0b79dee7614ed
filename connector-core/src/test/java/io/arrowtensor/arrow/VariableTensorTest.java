package io.arrowtensor.arrow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.BatchSchema;
import io.arrowtensor.ColumnKind;
import io.arrowtensor.DType;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.InvalidStructException;
import io.arrowtensor.Memory;
import io.arrowtensor.Nulls;
import io.arrowtensor.NullsException;
import io.arrowtensor.Options;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.TensorRows;
import io.arrowtensor.UnsupportedTypeException;
import io.arrowtensor.dlpack.Dlpack;
import io.arrowtensor.testing.NoLeaks;
import java.util.List;
import java.util.Map;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.Float4Vector;
import org.apache.arrow.vector.IntVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.complex.FixedSizeListVector;
import org.apache.arrow.vector.complex.ListVector;
import org.apache.arrow.vector.complex.StructVector;
import org.apache.arrow.vector.types.FloatingPointPrecision;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.FieldType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code arrow.variable_shape_tensor}: built with Arrow's own vectors, read and written back. */
@ExtendWith(NoLeaks.class)
class VariableTensorTest {
  private static final int[][] SHAPES = {{2, 3}, {1, 1}, {0, 4}, {3, 2}};
  private static final Options MASK = Options.defaults().withNulls(Nulls.MASK);
  private static final ArrowType FLOAT = new ArrowType.FloatingPoint(FloatingPointPrecision.SINGLE);
  private static final ArrowType INT = new ArrowType.Int(32, true);

  private static Field field(String metadata) {
    Field item = new Field("item", FieldType.nullable(FLOAT), null);
    Field dim = new Field("item", FieldType.nullable(INT), null);
    Field data = new Field("data", FieldType.nullable(new ArrowType.List()), List.of(item));
    Field shape =
        new Field("shape", FieldType.nullable(new ArrowType.FixedSizeList(2)), List.of(dim));
    Map<String, String> extension =
        Map.of(
            "ARROW:extension:name",
            "arrow.variable_shape_tensor",
            "ARROW:extension:metadata",
            metadata);
    FieldType type = new FieldType(true, new ArrowType.Struct(), null, extension);
    return new Field("t", type, List.of(data, shape));
  }

  /** Rows of SHAPES; element k of all is k. */
  private static StructVector tensors(BufferAllocator allocator, String metadata) {
    StructVector struct = (StructVector) field(metadata).createVector(allocator);
    ListVector data = (ListVector) struct.getChild("data");
    FixedSizeListVector shapes = (FixedSizeListVector) struct.getChild("shape");
    int element = 0;
    for (int row = 0; row < SHAPES.length; row++) {
      int size = SHAPES[row][0] * SHAPES[row][1];
      data.startNewValue(row);
      for (int k = 0; k < size; k++) {
        ((Float4Vector) data.getDataVector()).setSafe(element, element);
        element++;
      }
      data.endValue(row, size);
      shapes.startNewValue(row);
      ((IntVector) shapes.getDataVector()).setSafe(2 * row, SHAPES[row][0]);
      ((IntVector) shapes.getDataVector()).setSafe(2 * row + 1, SHAPES[row][1]);
      struct.setIndexDefined(row);
    }
    data.getDataVector().setValueCount(element);
    shapes.getDataVector().setValueCount(2 * SHAPES.length);
    struct.setValueCount(SHAPES.length);
    return struct;
  }

  @Test
  void aColumnHasValuesOffsetsAndShapesWhereTheyAre(BufferAllocator allocator) {
    try (StructVector vector = tensors(allocator, "");
        DeviceColumn column = DeviceColumn.from(Vectors.view(vector))) {
      ListVector data = (ListVector) vector.getChild("data");
      FixedSizeListVector shapes = (FixedSizeListVector) vector.getChild("shape");
      assertThat(column.kind()).isEqualTo(ColumnKind.TENSOR);
      assertThat(column.name()).isEqualTo("t");
      assertThat(column.rowCount()).isEqualTo(4);
      assertThat(column.values().address()).isEqualTo(data.getDataVector().getDataBufferAddress());
      assertThat(column.offsets().address()).isEqualTo(data.getOffsetBufferAddress());
      assertThat(column.tensorRows().shapes().address())
          .isEqualTo(shapes.getDataVector().getDataBufferAddress());
      assertThat(column.tensorRows().ndim()).isEqualTo(2);
      assertThat(BatchSchema.Column.of(column)).hasToString("t: float32[?, ?]");
      assertThatThrownBy(column::array)
          .isInstanceOf(UnsupportedTypeException.class)
          .hasMessageContaining("its rows differ in length");
    }
  }

  @Test
  void eachRowIsAnArrayOfItsOwnThatOutlivesTheColumn(BufferAllocator allocator) {
    DeviceArray last;
    try (StructVector vector = tensors(allocator, "{\"dim_names\":[\"H\",\"W\"]}");
        DeviceColumn column = DeviceColumn.from(Vectors.view(vector))) {
      int first = 0;
      for (int row = 0; row < SHAPES.length; row++) {
        try (DeviceArray tensor = column.tensor(row)) {
          assertThat(tensor.shape()).containsExactly(SHAPES[row][0], SHAPES[row][1]);
          assertThat(tensor.dimNames()).containsExactly("H", "W");
          assertThat(tensor.address()).isEqualTo(column.values().address() + 4L * first);
          assertThat(tensor.outcome().isZeroCopy()).isTrue();
          first += (int) tensor.size();
        }
      }
      last = column.tensor(3);
      assertThatThrownBy(() -> column.tensor(4)).isInstanceOf(IndexOutOfBoundsException.class);
    }
    assertThat(last.byteBuffer().asFloatBuffer().get(0)).isEqualTo(7f);
    try (last;
        DeviceArray back = DeviceArray.from(Dlpack.take(Dlpack.export(last)))) {
      assertThat(back.address()).isEqualTo(last.address());
    }
  }

  @Test
  void thePermutationOrdersTheLogicalDimensions(BufferAllocator allocator) {
    String metadata = "{\"permutation\":[1,0],\"dim_names\":[\"H\",\"W\"]}";
    try (StructVector vector = tensors(allocator, metadata);
        DeviceColumn column = DeviceColumn.from(Vectors.view(vector));
        DeviceArray first = column.tensor(0)) {
      assertThat(first.shape()).containsExactly(3, 2);
      assertThat(first.strides()).containsExactly(1, 3);
      assertThat(first.dimNames()).containsExactly("W", "H");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{}",
        "{\"permutation\":[1,0]}",
        "{\"dim_names\":[\"a\",\"b\"]}",
        "{\"permutation\":[1,0],\"dim_names\":[\"a\",\"b\"],\"uniform_shape\":[null,null]}"
      })
  void theExtensionIsKeptBothWays(String metadata, BufferAllocator allocator) {
    CStructs structs = new CStructs();
    long schema = structs.zeroed(72);
    long array = structs.zeroed(128);
    try (StructVector vector = tensors(allocator, metadata)) {
      DeviceColumn column = DeviceColumn.from(Vectors.view(vector));
      long address = column.values().address();
      CDevice.export(column, Options.defaults(), schema, array);
      column.close();
      DeviceColumn taken = DeviceColumn.from(CDevice.take(schema, array));
      try (OwnedBatch batch = OwnedBatch.of(taken);
          VectorSchemaRoot root = Vectors.toRoot(batch, allocator, Options.defaults())) {
        FieldVector written = root.getVector("t");
        assertThat(written.getField().getMetadata()).isEqualTo(field(metadata).getMetadata());
        assertThat(written.getField().getType()).isEqualTo(new ArrowType.Struct());
        for (int row = 0; row < SHAPES.length; row++) {
          assertThat(written.getObject(row)).as("row %d", row).isEqualTo(vector.getObject(row));
        }
        ListVector data = (ListVector) ((StructVector) written).getChild("data");
        assertThat(data.getDataVector().getDataBufferAddress()).isEqualTo(address);
      }
    } finally {
      structs.close();
    }
  }

  @Test
  void nullRowsAreMasked(BufferAllocator allocator) {
    try (StructVector vector = tensors(allocator, "")) {
      vector.setNull(1);
      ((ListVector) vector.getChild("data")).setNull(2);
      assertThatThrownBy(() -> DeviceColumn.from(Vectors.view(vector)))
          .isInstanceOf(NullsException.class)
          .hasMessageContaining("column 't' with nulls: row 1 is the first");
      try (DeviceColumn column = DeviceColumn.from(Vectors.view(vector), MASK)) {
        byte[] mask = new byte[4];
        column.validity().byteBuffer().get(mask);
        assertThat(mask).containsExactly(1, 0, 0, 1);
        assertThatThrownBy(() -> column.tensor(2))
            .isInstanceOf(NullsException.class)
            .hasMessage("Cannot take row 2 of column 't': it is null; see validity()");
        column.tensor(3).close();
        try (OwnedBatch batch = OwnedBatch.of(DeviceColumn.from(Vectors.view(vector), MASK));
            VectorSchemaRoot root = Vectors.toRoot(batch, allocator, MASK)) {
          assertThat(root.getVector("t").isNull(1)).isTrue();
          assertThat(root.getVector("t").isNull(2)).isTrue();
          assertThat(root.getVector("t").isNull(3)).isFalse();
        }
      }
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{ | it is no JSON, or its sizes overflow (JsonEOFException)",
        "{\"permutation\":[0]} | 'permutation' must have one entry for each dimension",
        "{\"permutation\":[1,1]} | 'permutation' must hold 0..1 once",
        "{\"permutation\":7} | 'permutation' must be an array",
        "{\"dim_names\":[\"a\"]} | 'dim_names' must have one entry for each dimension",
        "{\"dim_names\":[1,2]} | 'dim_names' must hold strings",
        "{\"uniform_shape\":[1]} | 'uniform_shape' must have one entry for each dimension",
        "{\"uniform_shape\":[-1,2]} | 'uniform_shape' must hold sizes or nulls",
        "{\"uniform_shape\":[99999999999,2]} | 'uniform_shape' must hold sizes or nulls"
      })
  void hostileMetadataIsRefused(String metadata, String why, BufferAllocator allocator) {
    try (StructVector vector = tensors(allocator, metadata)) {
      assertThatThrownBy(() -> DeviceColumn.from(Vectors.view(vector)))
          .isInstanceOf(InvalidStructException.class)
          .hasMessage("Invalid metadata of arrow.variable_shape_tensor: " + why + ": " + metadata);
    }
  }

  @Test
  void otherStorageIsRefused(BufferAllocator allocator) {
    Map<String, String> extension = Map.of("ARROW:extension:name", "arrow.variable_shape_tensor");
    Field numbers = new Field("n", new FieldType(true, INT, null, extension), null);
    Field empty =
        new Field("e", new FieldType(true, new ArrowType.Struct(), null, extension), List.of());
    for (Field field : List.of(numbers, empty)) {
      try (FieldVector vector = field.createVector(allocator)) {
        assertThatThrownBy(() -> DeviceColumn.from(Vectors.view(vector)))
            .isInstanceOf(InvalidStructException.class)
            .hasMessageStartingWith(
                "Invalid storage of arrow.variable_shape_tensor in column '"
                    + field.getName()
                    + "': expected a struct of the list 'data' and the int32 fixed-size list");
      }
    }
  }

  @Test
  void shapesThatAreNotThoseOfTheirElementsAreRefused(BufferAllocator allocator) {
    try (StructVector vector = tensors(allocator, "{\"uniform_shape\":[null,3]}")) {
      IntVector dims = (IntVector) ((FixedSizeListVector) vector.getChild("shape")).getDataVector();
      dims.set(0, 5);
      dims.set(6, -3);
      try (DeviceColumn column = DeviceColumn.from(Vectors.view(vector))) {
        assertThat(BatchSchema.Column.of(column)).hasToString("t: float32[?, 3]");
        assertThatThrownBy(() -> column.tensor(0))
            .isInstanceOf(InvalidStructException.class)
            .hasMessage(
                "Invalid tensor in row 0: shape [5, 3] for elements 0 to 6 of 13, where all rows"
                    + " have [-1, 3]");
        assertThatThrownBy(() -> column.tensor(1))
            .isInstanceOf(InvalidStructException.class)
            .hasMessageStartingWith("Invalid tensor in row 1: shape [1, 1] for elements 6 to 7");
        assertThatThrownBy(() -> column.tensor(3)).isInstanceOf(InvalidStructException.class);
      }
    }
  }

  @Test
  void partsThatDoNotFitMakeNoColumn(BufferAllocator allocator) {
    DeviceArray values = allocated(DType.FLOAT32, 6);
    DeviceArray offsets = allocated(DType.INT32, 3);
    DeviceArray shapes = allocated(DType.INT32, 3, 2);
    assertThatThrownBy(() -> DeviceColumn.tensors("t", values, offsets, TensorRows.of(shapes)))
        .isInstanceOf(InterchangeException.class)
        .hasMessageStartingWith("Invalid tensors of column 't': expected one dimension");
    assertThat(List.of(values, offsets, shapes)).allMatch(DeviceArray::isClosed);
    try (DeviceArray wrong = allocated(DType.INT64, 3, 2)) {
      assertThatThrownBy(() -> TensorRows.of(wrong))
          .isInstanceOf(InterchangeException.class)
          .hasMessageStartingWith("Invalid tensor rows: expected int32 shapes [rows, ndim]");
    }
    try (DeviceColumn plain = DeviceColumn.of("v", allocated(DType.INT32, 3))) {
      assertThatThrownBy(() -> plain.tensor(0))
          .isInstanceOf(UnsupportedTypeException.class)
          .hasMessage("Cannot take one tensor of column 'v': it is no TENSOR column but ARRAY");
    }
  }

  private static DeviceArray allocated(DType dtype, long... shape) {
    return DeviceArray.from(Memory.allocate(dtype, shape));
  }

  @Test
  void aSlicedBatchGivesItsRows(BufferAllocator allocator) {
    try (StructVector vector = tensors(allocator, "");
        VectorSchemaRoot root = VectorSchemaRoot.of(vector);
        VectorSchemaRoot slice = root.slice(1, 3);
        OwnedBatch batch = DeviceBatch.from(Vectors.view(slice));
        DeviceArray tensor = batch.column("t").tensor(2)) {
      assertThat(tensor.shape()).containsExactly(3, 2);
      assertThat(tensor.byteBuffer().asFloatBuffer().get(0)).isEqualTo(7f);
    }
  }
}
