package io.arrowtensor.arrow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.Access;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.NullsException;
import io.arrowtensor.Options;
import io.arrowtensor.Outcome;
import io.arrowtensor.testing.NoLeaks;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.IntVector;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Vectors that are given away. */
@ExtendWith(NoLeaks.class)
class MoveTest {

  private static IntVector ints(BufferAllocator allocator) {
    IntVector vector = new IntVector("v", allocator);
    vector.allocateNew(3);
    for (int i = 0; i < 3; i++) {
      vector.set(i, i + 1);
    }
    vector.setValueCount(3);
    return vector;
  }

  @Test
  void aMovedVectorIsEmptyAndItsMemoryBelongsToTheArray(BufferAllocator allocator) {
    Options writable = Options.defaults().withAccess(Access.WRITABLE);
    try (IntVector vector = ints(allocator)) {
      long address = vector.getDataBufferAddress();
      try (DeviceArray array = DeviceArray.from(Vectors.move(vector), writable)) {
        assertThat(vector.getValueCount()).as("rows left in the vector").isZero();
        assertThat(array.address()).isEqualTo(address);
        assertThat(array.outcome()).isEqualTo(Outcome.zeroCopy(12));
        assertThat(array.isReadOnly()).isFalse();
        array.byteBuffer().putInt(4, 20);
        assertThat(array.byteBuffer().getInt(4)).isEqualTo(20);
      }
    }
  }

  @Test
  void aVectorIsEmptiedAlsoWhenItsMoveIsRefused(BufferAllocator allocator) {
    try (IntVector vector = ints(allocator)) {
      vector.setNull(1);
      assertThatThrownBy(() -> DeviceArray.from(Vectors.move(vector)))
          .isInstanceOf(NullsException.class)
          .hasMessageContaining("row 1 is the first");
      assertThat(vector.getValueCount()).as("rows left in the vector").isZero();
    }
  }
}
