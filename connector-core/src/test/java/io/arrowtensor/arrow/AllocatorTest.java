package io.arrowtensor.arrow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.Copy;
import io.arrowtensor.DType;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.Memory;
import io.arrowtensor.Nulls;
import io.arrowtensor.Options;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.Storage;
import io.arrowtensor.dlpack.Dlpack;
import io.arrowtensor.internal.NativeBytes;
import io.arrowtensor.testing.Columns;
import io.arrowtensor.testing.Columns.NullsAt;
import io.arrowtensor.testing.DlpackStruct;
import io.arrowtensor.testing.NoLeaks;
import io.arrowtensor.testing.Sample;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.OutOfMemoryException;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.IntVector;
import org.apache.arrow.vector.VarCharVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** What Arrow's allocators see of views, exports and copies. */
@ExtendWith(NoLeaks.class)
class AllocatorTest {
  private static final Options DEFAULTS = Options.defaults();

  @Test
  void vectorAndChildAllocatorMayBeClosedRightAfterAnExport(BufferAllocator root) {
    long struct;
    long address;
    try (BufferAllocator child = root.newChildAllocator("task", 0, 1 << 20);
        IntVector vector = ints(1000, child)) {
      address = vector.getDataBufferAddress();
      struct = Dlpack.export(Vectors.view(vector));
    }
    DlpackStruct tensor = DlpackStruct.versioned(struct);
    assertThat(tensor.data()).isEqualTo(address);
    assertThat(DlpackStruct.buffer(address, 4000).getInt(3996)).isEqualTo(999);
    assertThat(root.getAllocatedMemory()).isGreaterThanOrEqualTo(4000);
    assertThat(NativeBytes.held()).isGreaterThanOrEqualTo(4000);
    tensor.delete();
    assertThat(root.getAllocatedMemory()).isZero();
  }

  @Test
  void closingTheRootBeforeAViewIsArrowsLeakError() {
    BufferAllocator root = new RootAllocator();
    DeviceArray array;
    try (IntVector vector = ints(1000, root)) {
      array = DeviceArray.from(Vectors.view(vector));
    }
    long held = root.getAllocatedMemory();
    assertThatThrownBy(root::close)
        .isInstanceOf(IllegalStateException.class)
        // Arrow before 13 counts buffers where newer ones count bytes.
        .message()
        .containsAnyOf("Memory leaked: (" + held + ")", "closed with outstanding buffers");
    // Arrow, with assertions enabled, refuses what comes too late; our count is right nevertheless.
    assertThatThrownBy(array::close).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void copiesAreReservedWhereTheOptionsSay(BufferAllocator root) {
    Options options = DEFAULTS.withAllocator(root).withCopy(Copy.ALWAYS).withAlignment(256);
    try (DeviceArray source = DeviceArray.from(Memory.allocate(DType.INT32, 1000))) {
      assertThat(root.getAllocatedMemory()).isZero();
      try (DeviceArray copy = DeviceArray.from(source, options)) {
        assertThat(root.getAllocatedMemory()).isEqualTo(4000);
        assertThat(copy.alignment()).isGreaterThanOrEqualTo(256);
        try (FieldVector vector = Vectors.wrap(copy, "n", root)) {
          assertThat(vector.getDataBufferAddress()).isEqualTo(copy.address());
          assertThat(root.getAllocatedMemory()).as("charged once").isLessThan(8000);
        }
      }
      assertThat(root.getAllocatedMemory()).isZero();
    }
  }

  /** Every limit from none to enough: whatever fails half-way leaves nothing behind. */
  @Test
  void conversionsThatHitTheLimitHoldNothing(BufferAllocator root) {
    Sample nested = sample("float32[2][3]");
    try (BufferAllocator sources = root.newChildAllocator("sources", 0, Long.MAX_VALUE);
        FieldVector lists = Columns.random(nested.field(), 100, NullsAt.BOTH, 3, sources);
        FieldVector bits = Columns.random(sample("Bool").field(), 100, NullsAt.ROWS, 3, sources);
        VarCharVector text = strings(100, sources);
        VectorSchemaRoot columns = new VectorSchemaRoot(List.of(lists, bits, text))) {
      columns.setRowCount(100);
      long held = NativeBytes.held();
      boolean done = false;
      for (long limit = 0; !done; limit += 100) {
        try (BufferAllocator task = root.newChildAllocator("task", 0, limit)) {
          Options options =
              DEFAULTS.withAllocator(task).withNulls(Nulls.PROPAGATE).withStorage(Storage.AS_BYTES);
          try (OwnedBatch batch = DeviceBatch.from(Vectors.view(columns), options);
              VectorSchemaRoot back = Vectors.toRoot(batch, task, options)) {
            assertThat(back.getRowCount()).isEqualTo(100);
            done = true;
          } catch (OutOfMemoryException e) {
            assertThat(task.getAllocatedMemory()).as("limit %d", limit).isZero();
          }
        }
        assertThat(NativeBytes.held()).as("limit %d", limit).isEqualTo(held);
        assertThat(limit).isLessThan(1 << 20);
      }
    }
  }

  @Test
  void aVectorBeyondTheLimitReleasesTheArrayOnce(BufferAllocator root) {
    AtomicInteger released = new AtomicInteger();
    try (BufferAllocator small = root.newChildAllocator("small", 0, 100);
        DeviceArray source = DeviceArray.from(Memory.allocate(DType.INT32, 1000))) {
      Memory memory =
          Memory.borrow(source.address(), DType.INT32, 1000)
              .withOwner((Runnable) released::incrementAndGet);
      assertThatThrownBy(
              () -> Vectors.wrap(memory, Vectors.tensorField("n", source), small, DEFAULTS))
          .isInstanceOf(OutOfMemoryException.class);
      assertThat(released).hasValue(1);
      assertThat(small.getAllocatedMemory()).isZero();
    }
  }

  @Test
  void aMaskBesideSharedValuesIsTheOnlyCopy(BufferAllocator root) {
    try (IntVector vector = ints(1000, root)) {
      vector.setNull(7);
      long before = root.getAllocatedMemory();
      Options options = DEFAULTS.withAllocator(root).withNulls(Nulls.MASK);
      try (DeviceColumn column = DeviceColumn.from(Vectors.view(vector), options)) {
        assertThat(root.getAllocatedMemory() - before).isEqualTo(1000);
        assertThat(column.values().outcome().isZeroCopy()).isTrue();
      }
    }
  }

  private static Sample sample(String name) {
    return Sample.all().filter(s -> s.name().equals(name)).findFirst().orElseThrow();
  }

  private static IntVector ints(int rows, BufferAllocator allocator) {
    IntVector vector = new IntVector("n", allocator);
    vector.allocateNew(rows);
    for (int i = 0; i < rows; i++) {
      vector.set(i, i);
    }
    vector.setValueCount(rows);
    return vector;
  }

  private static VarCharVector strings(int rows, BufferAllocator allocator) {
    VarCharVector vector = new VarCharVector("text", allocator);
    vector.allocateNew();
    for (int i = 0; i < rows; i++) {
      vector.setSafe(i, ("row " + i).getBytes(StandardCharsets.UTF_8));
    }
    vector.setNull(4);
    vector.setValueCount(rows);
    return vector;
  }
}
