package io.arrowtensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.dlpack.Dlpack;
import io.arrowtensor.testing.DlpackStruct;
import io.arrowtensor.testing.NoLeaks;
import java.lang.ref.WeakReference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Direct buffers as arrays. */
@ExtendWith(NoLeaks.class)
class DirectBuffersTest {
  private static ByteBuffer floats(int count) {
    return ByteBuffer.allocateDirect(4 * count).order(ByteOrder.nativeOrder());
  }

  @Test
  void whatLiesBetweenPositionAndLimitIsShared() {
    ByteBuffer buffer = floats(10);
    for (int i = 0; i < 10; i++) {
      buffer.putFloat(4 * i, i);
    }
    buffer.position(8).limit(32);
    try (DeviceArray array = DeviceArray.from(Memory.view(buffer, DType.FLOAT32, 3, 2))) {
      assertThat(array.shape()).containsExactly(3, 2);
      assertThat(array.outcome()).isEqualTo(Outcome.zeroCopy(24));
      assertThat(array.isReadOnly()).isFalse();
      assertThat(array.byteBuffer().getFloat(0)).isEqualTo(2f);
      array.byteBuffer().putFloat(20, 70f);
      assertThat(buffer.getFloat(28)).as("the same memory").isEqualTo(70f);
      assertThat(buffer.position()).as("position").isEqualTo(8);
    }
  }

  @Test
  void slicesAndReadOnlyViewsLieWhereTheyLie() {
    ByteBuffer buffer = floats(10);
    try (DeviceArray whole = DeviceArray.from(Memory.view(buffer, DType.FLOAT32, 10));
        DeviceArray slice =
            DeviceArray.from(
                Memory.view(buffer.slice(12, 8).order(ByteOrder.nativeOrder()), DType.FLOAT32, 2));
        DeviceArray readOnly =
            DeviceArray.from(Memory.view(buffer.asReadOnlyBuffer(), DType.INT8, 40))) {
      assertThat(slice.address() - whole.address()).isEqualTo(12);
      assertThat(readOnly.address()).isEqualTo(whole.address());
      assertThat(readOnly.isReadOnly()).isTrue();
    }
  }

  @Test
  void noElementsAndOneScalarAreArraysToo() {
    try (DeviceArray none = DeviceArray.from(Memory.view(floats(0), DType.FLOAT32, 2, 0));
        DeviceArray scalar = DeviceArray.from(Memory.view(floats(1), DType.FLOAT32))) {
      assertThat(none.size()).isZero();
      assertThat(scalar.ndim()).isZero();
    }
  }

  @Test
  void bytesHaveNoOrder() {
    ByteBuffer swapped = ByteBuffer.allocateDirect(4).order(foreign());
    DeviceArray.from(Memory.view(swapped, DType.UINT8, 4)).close();
    assertThatThrownBy(() -> Memory.view(swapped, DType.INT32, 1))
        .isInstanceOf(UnsupportedTypeException.class)
        .hasMessage(
            "Cannot share a buffer in "
                + foreign()
                + " order as int32: elements lie in this machine's order; if they do, say so by"
                + " buffer.order(ByteOrder.nativeOrder())");
  }

  private static ByteOrder foreign() {
    return ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN
        ? ByteOrder.BIG_ENDIAN
        : ByteOrder.LITTLE_ENDIAN;
  }

  @Test
  void buffersOnTheHeapAreRefused() {
    assertThatThrownBy(() -> Memory.view(ByteBuffer.allocate(4), DType.UINT8, 4))
        .isInstanceOf(UnsupportedTypeException.class)
        .hasMessageContaining("Cannot share a buffer on the Java heap: it has no address; put its");
  }

  @ParameterizedTest
  @ValueSource(longs = {2, 4, -1, Long.MAX_VALUE})
  void shapesThatTakeOtherBytesAreRefused(long dim) {
    assertThatThrownBy(() -> Memory.view(floats(3), DType.FLOAT32, dim))
        .isInstanceOf(InvalidStructException.class)
        .hasMessageContaining("Invalid shape [" + dim + "]");
  }

  @Test
  void exportsKeepTheBufferReachable() {
    AtomicReference<WeakReference<ByteBuffer>> seen = new AtomicReference<>();
    DlpackStruct exported = DlpackStruct.versioned(export(42f, seen));
    System.gc();
    assertThat(seen.get().get()).as("the buffer while its export lives").isNotNull();
    assertThat(DlpackStruct.buffer(exported.data(), 4).getFloat()).isEqualTo(42f);
    exported.delete();
    for (int i = 0; i < 50 && seen.get().get() != null; i++) {
      System.gc();
    }
    assertThat(seen.get().get()).as("the buffer afterwards").isNull();
  }

  private static long export(float value, AtomicReference<WeakReference<ByteBuffer>> seen) {
    ByteBuffer buffer = floats(1000).putFloat(0, value);
    seen.set(new WeakReference<>(buffer));
    return Dlpack.export(Memory.view(buffer, DType.FLOAT32, 1000));
  }
}
