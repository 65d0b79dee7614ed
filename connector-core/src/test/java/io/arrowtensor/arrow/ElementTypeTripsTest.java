package io.arrowtensor.arrow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.BatchStream;
import io.arrowtensor.DType;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.TypeCode;
import io.arrowtensor.UnsupportedTypeException;
import io.arrowtensor.internal.Abi;
import io.arrowtensor.testing.NoLeaks;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every element type, exactly the same behind each interface and in one and two dimensions. */
@ExtendWith(NoLeaks.class)
class ElementTypeTripsTest {
  private static final Options OPTIONS = Options.defaults();

  private final CStructs structs = new CStructs();
  private final long schema = structs.zeroed(Abi.Schema.SIZE);
  private final long array = structs.zeroed(Abi.DeviceArray.SIZE);

  @AfterEach
  void freeStructs() {
    structs.close();
  }

  static Stream<DType> types() {
    List<DType> all = new ArrayList<>();
    for (int bits : new int[] {8, 16, 32, 64}) {
      all.add(new DType(TypeCode.INT, bits, 1));
      all.add(new DType(TypeCode.UINT, bits, 1));
    }
    for (int bits : new int[] {16, 32, 64}) {
      all.add(new DType(TypeCode.FLOAT, bits, 1));
    }
    for (int code = 7; code <= 14; code++) {
      all.add(new DType(new TypeCode(code), 8, 1)); // the float8 family
    }
    all.addAll(List.of(DType.BOOL, DType.BFLOAT16, DType.COMPLEX64, DType.COMPLEX128));
    all.add(new DType(TypeCode.COMPLEX, 32, 1));
    for (int lanes : new int[] {2, 4, 16}) {
      all.add(new DType(TypeCode.FLOAT, 32, lanes));
      all.add(new DType(TypeCode.INT, 8, lanes));
      all.add(new DType(TypeCode.BFLOAT, 16, lanes));
    }
    all.add(new DType(TypeCode.INT, 4, 2)); // whole bytes in pairs
    all.add(new DType(TypeCode.OPAQUE_HANDLE, 64, 1));
    all.add(new DType(TypeCode.FLOAT, 128, 1));
    all.add(new DType(new TypeCode(200), 24, 1)); // a code of tomorrow
    return all.stream();
  }

  private Memory memory(DType dtype, long... shape) {
    return Memory.borrow(structs.zeroed(1024), dtype, shape);
  }

  @ParameterizedTest
  @MethodSource("types")
  void everyTypeComesBackThroughCDataAndCDevice(DType dtype) {
    for (long[] shape : new long[][] {{5}, {3, 4}, {2, 2, 2}}) {
      Memory memory = memory(dtype, shape);
      CData.export(memory, "v", OPTIONS, schema, array);
      try (DeviceArray back = DeviceArray.from(CData.take(schema, array))) {
        assertSame(back, memory);
      }
      CDevice.export(memory, "v", OPTIONS, schema, array);
      try (DeviceArray back = DeviceArray.from(CDevice.take(schema, array))) {
        assertSame(back, memory);
      }
    }
  }

  private static void assertSame(DeviceArray back, Memory memory) {
    assertThat(back.dtype()).isEqualTo(memory.dtype());
    assertThat(back.shape()).isEqualTo(memory.shape());
    assertThat(back.address()).isEqualTo(memory.address());
    assertThat(back.outcome().isZeroCopy()).isTrue();
  }

  @ParameterizedTest
  @MethodSource("types")
  void everyTypeComesBackThroughAStream(DType dtype) {
    Memory memory = memory(dtype, 3, 4);
    try (OwnedBatch batch = OwnedBatch.of(DeviceColumn.of("v", DeviceArray.from(memory)))) {
      CData.exportStream(batch, OPTIONS, array);
    }
    try (BatchStream stream = CData.takeStream(array, OPTIONS);
        OwnedBatch batch = stream.next()) {
      assertThat(stream.schema().column("v").dtype()).isEqualTo(dtype);
      assertThat(stream.schema()).isEqualTo(batch.schema());
      assertSame(batch.column("v").values(), memory);
    }
  }

  @ParameterizedTest
  @MethodSource("types")
  void everyTypeThatVectorsHoldComesBackThroughThem(DType dtype, BufferAllocator allocator) {
    Memory memory = memory(dtype, 3, 2);
    if (dtype.equals(DType.FLOAT16) && !arrowHasFloat16()) {
      try (DeviceArray array = DeviceArray.from(memory)) {
        assertThatThrownBy(() -> Vectors.wrap(array, "v", allocator))
            .isInstanceOf(UnsupportedTypeException.class)
            .hasMessageEndingWith("use a newer Arrow");
      }
      return;
    }
    try (OwnedBatch batch = OwnedBatch.of(DeviceColumn.of("v", DeviceArray.from(memory)));
        VectorSchemaRoot root = Vectors.toRoot(batch, allocator, OPTIONS);
        OwnedBatch back = DeviceBatch.from(Vectors.view(root))) {
      assertSame(back.column("v").values(), memory);
    }
  }

  private static boolean arrowHasFloat16() {
    try {
      Class.forName("org.apache.arrow.vector.Float2Vector");
      return true;
    } catch (ClassNotFoundException e) {
      return false;
    }
  }

  @Test
  void elementsThatDoNotTakeWholeBytesAreRefusedByName() {
    DType[] packed = {
      new DType(TypeCode.FLOAT4_E2M1FN, 4, 1),
      new DType(TypeCode.FLOAT6_E2M3FN, 6, 1),
      new DType(TypeCode.FLOAT6_E3M2FN, 6, 1),
      new DType(TypeCode.INT, 4, 1),
      new DType(TypeCode.BOOL, 1, 1)
    };
    for (DType dtype : packed) {
      Memory memory = memory(dtype, 8);
      assertThatThrownBy(() -> CData.export(memory, "v", OPTIONS, schema, array))
          .isInstanceOf(UnsupportedTypeException.class)
          .hasMessage(
              "Cannot hold %s in an Arrow vector: its elements do not take whole bytes", dtype);
      assertThatThrownBy(() -> CDevice.export(memory, "v", OPTIONS, schema, array))
          .isInstanceOf(UnsupportedTypeException.class)
          .hasMessageStartingWith("Cannot hold " + dtype);
    }
  }
}
