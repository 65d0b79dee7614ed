package io.arrowtensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.arrow.Vectors;
import io.arrowtensor.dlpack.Dlpack;
import io.arrowtensor.testing.NoLeaks;
import java.util.List;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.Float4Vector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The library in five minutes, from top to bottom. */
@ExtendWith(NoLeaks.class)
class TutorialTest {

  @Test
  void vectorBecomesAnArrayWithoutCopy(BufferAllocator allocator) {
    try (Float4Vector vector = floats(allocator, "price", 1.5f, 2.5f, 3.5f);
        DeviceArray array = DeviceArray.from(Vectors.view(vector))) {

      assertThat(array.address()).isEqualTo(vector.getDataBufferAddress());
      assertThat(array.device()).isEqualTo(Device.CPU);
      assertThat(array.dtype()).isEqualTo(DType.FLOAT32);
      assertThat(array.shape()).containsExactly(3);
      assertThat(array.outcome()).isEqualTo(Outcome.zeroCopy(12));
      assertThat(array.byteBuffer().getFloat(4)).isEqualTo(2.5f);
    }
  }

  @Test
  void arrayTravelsThroughDlpackAndBackIntoAVector(BufferAllocator allocator) {
    long address;
    long struct;
    try (Float4Vector vector = floats(allocator, "price", 1.5f, 2.5f, 3.5f)) {
      address = vector.getDataBufferAddress();
      // A DLManagedTensorVersioned: any engine that speaks DLPack takes it and calls its deleter.
      struct = Dlpack.export(Vectors.view(vector));
    } // The struct keeps the memory: the vector may be closed at once.

    // The way back: a struct that an engine made, or this one.
    try (DeviceArray taken = DeviceArray.from(Dlpack.take(struct));
        FieldVector vector = Vectors.wrap(taken, "price", allocator)) {
      assertThat(taken.address()).isEqualTo(address);
      assertThat(vector.getDataBufferAddress()).isEqualTo(address);
      assertThat(vector.getObject(2)).isEqualTo(3.5f);
    } // The deleter has run, once.
  }

  @Test
  void wholeRootBecomesABatchAndARootAgain(BufferAllocator allocator) {
    try (VectorSchemaRoot root =
            VectorSchemaRoot.of(
                floats(allocator, "price", 1, 2, 3), floats(allocator, "size", 4, 5, 6));
        OwnedBatch batch = DeviceBatch.from(Vectors.view(root));
        VectorSchemaRoot back = Vectors.toRoot(batch, allocator, Options.defaults())) {

      assertThat(batch.rowCount()).isEqualTo(3);
      for (String name : List.of("price", "size")) {
        long address = root.getVector(name).getDataBufferAddress();
        assertThat(batch.column(name).array().address()).as(name).isEqualTo(address);
        assertThat(back.getVector(name).getDataBufferAddress()).as(name).isEqualTo(address);
      }
    }
  }

  @Test
  void nullsNeedAPolicy(BufferAllocator allocator) {
    try (Float4Vector vector = floats(allocator, "price", 1.5f, 2.5f, 3.5f)) {
      vector.setNull(1);

      // Tensors have no nulls, and the memory of a null slot holds garbage: refused.
      assertThatThrownBy(() -> Dlpack.export(Vectors.view(vector)))
          .isInstanceOf(NullsException.class)
          .hasMessageContaining("column 'price' with nulls: row 1 is the first");

      // Filled: one counted copy, only because there is a null.
      Options filled = Options.defaults().withNulls(Nulls.fill(-1));
      try (DeviceArray array = DeviceArray.from(Vectors.view(vector), filled)) {
        assertThat(array.byteBuffer().getFloat(4)).isEqualTo(-1);
        assertThat(array.outcome()).isEqualTo(Outcome.copied(12, CopyReason.NULL_FILL));
      }

      // Or shared as they are, with a mask beside them: one bool a row, true = value present.
      Options masked = Options.defaults().withNulls(Nulls.MASK);
      try (DeviceColumn column = DeviceColumn.from(Vectors.view(vector), masked)) {
        assertThat(column.values().outcome().isZeroCopy()).isTrue();
        assertThat(column.validity().byteBuffer().get(0)).isEqualTo((byte) 1);
        assertThat(column.validity().byteBuffer().get(1)).isEqualTo((byte) 0);
      }
    }
  }

  private static Float4Vector floats(BufferAllocator allocator, String name, float... values) {
    Float4Vector vector = new Float4Vector(name, allocator);
    vector.allocateNew(values.length);
    for (int i = 0; i < values.length; i++) {
      vector.set(i, values[i]);
    }
    vector.setValueCount(values.length);
    return vector;
  }
}
