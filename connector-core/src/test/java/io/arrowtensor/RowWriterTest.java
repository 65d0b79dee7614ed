package io.arrowtensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.internal.HalfFloat;
import io.arrowtensor.internal.NativeBytes;
import io.arrowtensor.internal.RawMemory;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class RowWriterTest {
  private final BufferAllocator allocator = new RootAllocator();
  private final long heldBefore = NativeBytes.held();

  @AfterEach
  void leavesNothingBehind() {
    assertThat(allocator.getAllocatedMemory()).as("bytes left in the allocator").isZero();
    assertThat(NativeBytes.held()).as("native bytes held").isEqualTo(heldBefore);
    allocator.close();
  }

  private static float[] floats(DeviceArray matrix) {
    float[] values = new float[(int) matrix.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = RawMemory.floatAt(matrix.address() + 4L * i);
    }
    return values;
  }

  @Test
  void rowsAreHandedOutWhereTheyWereWritten() {
    try (RowWriter writer = RowWriter.allocate(allocator, DType.FLOAT32, 4, 2)) {
      writer.put(1, 2.5f);
      writer.put(0, 1L);
      writer.endRow();
      writer.put(0, 3.25);
      writer.endRow();
      writer.put(0, 99f);
      long slab = allocator.getAllocatedMemory();
      try (DeviceArray matrix = writer.finish()) {
        assertThat(matrix.shape()).containsExactly(2, 2);
        assertThat(floats(matrix)).as("one element never set").containsExactly(1, 2.5f, 3.25f, 0);
        assertThat(matrix.alignment()).isGreaterThanOrEqualTo(64);
        assertThat(matrix.isReadOnly()).isFalse();
        assertThat(matrix.outcome()).isEqualTo(Outcome.copied(16, CopyReason.ROWS));
        assertThat(allocator.getAllocatedMemory()).as("no second slab").isEqualTo(slab);
      }
    }
  }

  @Test
  void nextRowsGoToMemoryOfTheirOwn() {
    try (RowWriter writer = RowWriter.allocate(allocator, DType.FLOAT32, 1, 1)) {
      writer.put(0, 1f);
      writer.endRow();
      assertThat(writer.isFull()).isTrue();
      try (DeviceArray first = writer.finish()) {
        assertThat(writer.rows()).isZero();
        writer.put(0, 2f);
        writer.endRow();
        try (DeviceArray second = writer.finish()) {
          assertThat(floats(first)).containsExactly(1);
          assertThat(floats(second)).containsExactly(2);
        }
      }
      writer.put(0, 3f);
    }
  }

  @Test
  void finishWithoutRowsGivesAnEmptyMatrix() {
    try (RowWriter writer = RowWriter.allocate(allocator, DType.INT8, 3, 2)) {
      for (int i = 0; i < 2; i++) {
        try (DeviceArray empty = writer.finish()) {
          assertThat(empty.shape()).containsExactly(0, 2);
        }
      }
    }
  }

  @Test
  void valuesAreConvertedToTheElementType() {
    assertThat(written(DType.BOOL, 1)).isEqualTo(1);
    assertThat(written(DType.INT8, -3.9)).as("-3 in one byte").isEqualTo(0xfd);
    assertThat(written(DType.UINT16, 65535)).isEqualTo(65535);
    assertThat(written(DType.INT64, 1L << 40)).isEqualTo(1L << 40);
    assertThat(written(DType.FLOAT16, 0.5)).isEqualTo(HalfFloat.bits(0.5f));
    assertThat(written(DType.BFLOAT16, 0.5)).isEqualTo(HalfFloat.bfloatBits(0.5f));
    assertThat(written(DType.FLOAT64, 0.1)).isEqualTo(Double.doubleToRawLongBits(0.1));
  }

  private long written(DType dtype, double value) {
    try (RowWriter writer = RowWriter.allocate(allocator, dtype, 8, 1)) {
      writer.put(0, value);
      writer.endRow();
      try (DeviceArray matrix = writer.finish()) {
        return RawMemory.longAt(matrix.address());
      }
    }
  }

  @Test
  void valueThatDoesNotFitIsRefused() {
    try (RowWriter writer = RowWriter.allocate(allocator, DType.UINT8, 1, 1)) {
      assertThatThrownBy(() -> writer.put(0, 256L))
          .isInstanceOf(InterchangeException.class)
          .hasMessage(
              "Cannot put 256 into an array of uint8: it does not fit; clamp the value or use a"
                  + " wider type");
      assertThatThrownBy(() -> writer.put(0, Double.NaN)).hasMessageContaining("Cannot put NaN");
    }
  }

  @Test
  void fullWriterSaysSo() {
    try (RowWriter writer = RowWriter.allocate(allocator, DType.FLOAT32, 1, 2)) {
      writer.endRow();
      assertThatThrownBy(() -> writer.put(0, 1f))
          .isInstanceOf(InterchangeException.class)
          .hasMessage(
              "Cannot write row 1: the matrix is full at 1 rows; call finish() first, or allocate"
                  + " more");
      assertThatThrownBy(writer::endRow).hasMessageContaining("is full at 1 rows");
    }
  }

  @Test
  void unknownColumnIsRefused() {
    try (RowWriter writer = RowWriter.allocate(allocator, DType.FLOAT32, 1, 2)) {
      for (int column : new int[] {-1, 2}) {
        assertThatThrownBy(() -> writer.put(column, 1f))
            .isInstanceOf(InterchangeException.class)
            .hasMessage("Cannot put into column " + column + ": the matrix has columns 0 to 1");
      }
    }
  }

  @Test
  void impossibleSizesAndTypesAreRefused() {
    assertThatThrownBy(() -> RowWriter.allocate(allocator, DType.FLOAT32, 0, 2))
        .hasMessageContaining("0 rows and 2 columns: both must be at least 1");
    assertThatThrownBy(() -> RowWriter.allocate(allocator, DType.COMPLEX64, 1, 2))
        .isInstanceOf(UnsupportedTypeException.class)
        .hasMessageContaining("complex64");
  }

  @Test
  void closedWriterRefusesWork() {
    RowWriter writer = RowWriter.allocate(null, DType.FLOAT32, 2, 1);
    writer.close();
    assertThatThrownBy(() -> writer.put(0, 1f)).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(writer::finish).isInstanceOf(IllegalStateException.class);
  }
}
