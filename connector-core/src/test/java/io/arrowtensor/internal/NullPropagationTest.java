package io.arrowtensor.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.CopyReason;
import io.arrowtensor.DType;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.Memory;
import io.arrowtensor.Nulls;
import io.arrowtensor.Options;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.UnsupportedTypeException;
import java.util.Objects;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NullPropagationTest {
  private final BufferAllocator allocator = new RootAllocator();
  private final Options options =
      Options.defaults().withAllocator(allocator).withNulls(Nulls.PROPAGATE);
  private final long heldBefore = NativeBytes.held();

  @AfterEach
  void leavesNothingBehind() {
    assertThat(allocator.getAllocatedMemory()).as("bytes left in the allocator").isZero();
    assertThat(NativeBytes.held()).as("native bytes held").isEqualTo(heldBefore);
    allocator.close();
  }

  private DeviceColumn column(String name, int rows) {
    return DeviceColumn.of(name, DeviceArray.from(Memory.allocate(DType.FLOAT32, rows), options));
  }

  /** A mask with a 0 at every multiple of {@code every}. */
  private DeviceArray mask(int rows, int every) {
    DeviceArray mask = DeviceArray.from(Memory.allocate(DType.BOOL, rows), options);
    for (int i = 0; i < rows; i++) {
      RawMemory.putByte(mask.address() + i, (byte) (i % every == 0 ? 0 : 1));
    }
    return mask;
  }

  private static boolean isValid(DeviceColumn column, int row) {
    return RawMemory.byteAt(Objects.requireNonNull(column.validity()).address() + row) == 1;
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 7, 8, 9, 1000})
  void rowsAreNullWhereAnyInputIsNull(int rows) {
    OwnedBatch result;
    try (OwnedBatch batch =
        OwnedBatch.of(
            column("a", rows).withValidity(mask(rows, 3)),
            column("b", rows),
            column("c", rows).withValidity(mask(rows, 5)))) {
      result =
          NullPropagation.apply(
              batch, OwnedBatch.of(column("x", rows), column("y", rows)), options);
    }
    try (result) {
      for (DeviceColumn column : result.columns()) {
        for (int i = 0; i < rows; i++) {
          assertThat(isValid(column, i))
              .as("row %d of %s after the batch was closed", i, column.name())
              .isEqualTo(i % 3 != 0 && i % 5 != 0);
        }
      }
      DeviceArray first = Objects.requireNonNull(result.column(0).validity());
      assertThat(first.outcome().reason()).isEqualTo(CopyReason.VALIDITY);
      assertThat(Objects.requireNonNull(result.column(1).validity()).address())
          .as("both columns share one mask")
          .isEqualTo(first.address());
    }
  }

  @Test
  void rowsThatTheFunctionMadeNullStayNull() {
    try (OwnedBatch batch = OwnedBatch.of(column("a", 6).withValidity(mask(6, 2)));
        OwnedBatch result =
            NullPropagation.apply(
                batch,
                OwnedBatch.of(column("x", 6).withValidity(mask(6, 3)), column("y", 6)),
                options)) {
      for (int i = 0; i < 6; i++) {
        assertThat(isValid(result.column("x"), i))
            .as("x %d", i)
            .isEqualTo(i % 2 != 0 && i % 3 != 0);
        assertThat(isValid(result.column("y"), i)).as("y %d", i).isEqualTo(i % 2 != 0);
      }
    }
  }

  @Test
  void withoutNullsOrWithoutThePolicyTheResultIsReturnedAsItIs() {
    try (OwnedBatch plain = OwnedBatch.of(column("a", 2));
        OwnedBatch masked = OwnedBatch.of(column("a", 2).withValidity(mask(2, 2)));
        OwnedBatch result = OwnedBatch.of(column("x", 2))) {
      assertThat(NullPropagation.apply(plain, result, options)).isSameAs(result);
      assertThat(NullPropagation.apply(masked, result, options.withNulls(Nulls.MASK)))
          .isSameAs(result);
    }
  }

  @Test
  void resultIsFreedWhenItFails() {
    DeviceArray mask = mask(4, 2);
    DeviceArray strided =
        DeviceArray.from(
            Memory.borrow(mask.address(), DType.BOOL, 2).withStrides(2).withOwner(mask::close));
    try (OwnedBatch batch = OwnedBatch.of(column("a", 2).withValidity(strided))) {
      OwnedBatch result = OwnedBatch.of(column("x", 2));
      DeviceBatch borrowed = batch;
      assertThatThrownBy(() -> NullPropagation.apply(borrowed, result, options))
          .isInstanceOf(UnsupportedTypeException.class);
      assertThat(result.column("x").values().isClosed()).isTrue();
    }
  }
}
