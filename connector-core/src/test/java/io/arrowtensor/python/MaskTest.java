package io.arrowtensor.python;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.Copy;
import io.arrowtensor.CopyReason;
import io.arrowtensor.CopyRefusedException;
import io.arrowtensor.DType;
import io.arrowtensor.Device;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.Memory;
import io.arrowtensor.Nulls;
import io.arrowtensor.NullsException;
import io.arrowtensor.Options;
import io.arrowtensor.Outcome;
import io.arrowtensor.Storage;
import io.arrowtensor.UnsupportedTypeException;
import io.arrowtensor.arrow.Vectors;
import io.arrowtensor.testing.Columns;
import io.arrowtensor.testing.Columns.NullsAt;
import io.arrowtensor.testing.NoLeaks;
import io.arrowtensor.testing.Sample;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.FieldVector;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Masks of bools and of bits under each policy for nulls. The oracle is the same policy on the
 * Arrow vector whose memory is described.
 */
@ExtendWith(NoLeaks.class)
class MaskTest {
  private static final Options MASK = Options.defaults().withNulls(Nulls.MASK);

  static Stream<Arguments> cases() {
    return Stream.of(Nulls.REJECT, Nulls.MASK, Nulls.PROPAGATE, Nulls.ASSUME_NONE, Nulls.fill(7))
        .flatMap(
            policy ->
                Stream.of(true, false)
                    .flatMap(
                        bits ->
                            Stream.of(NullsAt.ROWS, NullsAt.NOWHERE)
                                .map(nulls -> Arguments.of(policy, bits, nulls))));
  }

  @ParameterizedTest(name = "{0}, bits {1}, nulls {2}")
  @MethodSource("cases")
  void policiesMeanWhatTheyMeanForVectors(
      Nulls policy, boolean bits, NullsAt nulls, BufferAllocator allocator) {
    Options options = Options.defaults().withNulls(policy);
    for (Sample sample : Sample.plain().filter(MaskTest::isNumber).toList()) {
      for (int rows : new int[] {0, 1, 7, 8, 9, 64, 100}) {
        String name = sample + ", " + rows + " rows";
        try (FieldVector vector = Columns.random(sample.field(), rows, nulls, 3, allocator);
            DeviceArray values =
                DeviceArray.from(
                    Vectors.view(vector), Options.defaults().withNulls(Nulls.ASSUME_NONE));
            DeviceColumn masked = DeviceColumn.from(Vectors.view(vector), MASK)) {
          ArrayInterface described =
              bits
                  ? ArrayInterface.of(values)
                      .withMask(ArrayInterface.bitmap(vector.getValidityBufferAddress(), rows))
                  : ArrayInterface.of(masked);
          String json = described.toJson();
          assertThat(arrays(() -> DeviceArray.from(ArrayInterface.borrow(json), options)))
              .as(name)
              .isEqualTo(arrays(() -> DeviceArray.from(Vectors.view(vector), options)));
          assertThat(columns(() -> DeviceColumn.from(ArrayInterface.borrow(json), options)))
              .as(name)
              .isEqualTo(columns(() -> DeviceColumn.from(Vectors.view(vector), options)));
        }
      }
    }
  }

  private static boolean isNumber(Sample sample) {
    return sample.isSupported()
        && sample.storage() == Storage.REFUSE
        && (sample.dtype().isInteger() || sample.dtype().isJavaFloat());
  }

  private interface Made<T> {
    T make();
  }

  /** What came of it: where it lies when shared, its bytes, or the refusal without its subject. */
  private static String arrays(Made<DeviceArray> made) {
    try (DeviceArray array = made.make()) {
      return said(array);
    } catch (NullsException e) {
      return e.getMessage().replaceAll("column '[^']*'", "the array");
    }
  }

  private static String columns(Made<DeviceColumn> made) {
    try (DeviceColumn column = made.make()) {
      DeviceArray validity = column.validity();
      return said(column.values())
          + (validity == null ? "" : " valid " + Arrays.toString(bytes(validity)));
    } catch (NullsException e) {
      return e.getMessage().replaceAll("column '[^']*'", "the array");
    }
  }

  private static String said(DeviceArray array) {
    boolean shared = array.outcome().isZeroCopy();
    return (shared && array.nbytes() > 0 ? array.address() + " " : "")
        + array.dtype()
        + Arrays.toString(array.shape())
        + array.outcome()
        + Arrays.toString(bytes(array));
  }

  private static byte[] bytes(DeviceArray array) {
    byte[] bytes = new byte[(int) array.nbytes()];
    array.byteBuffer().get(bytes);
    return bytes;
  }

  @Test
  void masksOfBoolsAreSharedAndMasksOfBitsAreCopied() {
    try (Scratch scratch = new Scratch()) {
      long values = scratch.allocate(40);
      long bools = scratch.bytes(new byte[] {1, 1, 0, 1, 1, 1, 1, 1, 1, 0});
      long bits = scratch.bytes((byte) 0xfb, (byte) 1);
      AtomicInteger released = new AtomicInteger();
      try (DeviceColumn column =
          DeviceColumn.from(
              ArrayInterface.borrow(
                  json(values, "[10]", "|b1", bools, "[10]"), released::incrementAndGet),
              MASK)) {
        assertThat(column.values().address()).isEqualTo(values);
        assertThat(column.validity().address()).isEqualTo(bools);
        assertThat(column.validity().outcome()).isEqualTo(Outcome.zeroCopy(10));
        column.values().close();
        assertThat(released).as("released while the mask is used").hasValue(0);
      }
      assertThat(released).hasValue(1);
      try (DeviceColumn column =
          DeviceColumn.from(
              ArrayInterface.borrow(
                  json(values, "[10]", "<t1", bits, "[10]"), released::incrementAndGet),
              MASK)) {
        assertThat(bytes(column.validity())).containsExactly(1, 1, 0, 1, 1, 1, 1, 1, 1, 0);
        assertThat(column.validity().outcome()).isEqualTo(Outcome.copied(10, CopyReason.VALIDITY));
        assertThat(released).hasValue(1);
      }
      assertThat(released).hasValue(2);
    }
  }

  @Test
  void masksAreCopiedWithTheirValuesWhenAskedFor() {
    try (Scratch scratch = new Scratch()) {
      long bools = scratch.bytes(new byte[] {1, 0, 1});
      String json = json(scratch.allocate(12), "[3]", "|b1", bools, "[3]");
      AtomicInteger released = new AtomicInteger();
      try (DeviceColumn column =
          DeviceColumn.from(
              ArrayInterface.borrow(json, released::incrementAndGet), MASK.withCopy(Copy.ALWAYS))) {
        assertThat(released).as("released before the copies are closed").hasValue(1);
        assertThat(column.validity().outcome()).isEqualTo(Outcome.copied(3, CopyReason.REQUESTED));
        assertThat(bytes(column.validity())).containsExactly(1, 0, 1);
      }
    }
  }

  @Test
  void masksWithStridesAreReadInTheirOrder() {
    try (Scratch scratch = new Scratch()) {
      long values = scratch.allocate(12);
      long bools = scratch.bytes(new byte[] {1, 9, 0, 9, 1, 9});
      String json = json(values, "[3]", "|b1", bools, "[3],\"strides\":[2]");
      try (DeviceColumn column = DeviceColumn.from(ArrayInterface.borrow(json), MASK)) {
        assertThat(bytes(column.validity())).containsExactly(1, 0, 1);
        assertThat(column.validity().outcome()).isEqualTo(Outcome.copied(3, CopyReason.VALIDITY));
      }
      assertThatThrownBy(() -> DeviceArray.from(ArrayInterface.borrow(json)))
          .isInstanceOf(NullsException.class)
          .hasMessageContaining("row 1 is the first");
    }
  }

  @Test
  void masksOfElementsFillElements() {
    try (Scratch scratch = new Scratch()) {
      long values = scratch.bytes(new byte[] {1, 2, 3, 4, 5, 6});
      long bools = scratch.bytes(new byte[] {1, 1, 0, 1, 0, 1});
      String json = json(values, "[2,3]", "|b1", bools, "[2,3]").replace("<f4", "|i1");
      Options fill = Options.defaults().withNulls(Nulls.fill(-1));
      try (DeviceArray array = DeviceArray.from(ArrayInterface.borrow(json), fill)) {
        assertThat(bytes(array)).containsExactly(1, 2, -1, 4, -1, 6);
        assertThat(array.outcome()).isEqualTo(Outcome.copied(6, CopyReason.NULL_FILL));
      }
      assertThatThrownBy(() -> DeviceArray.from(ArrayInterface.borrow(json)))
          .isInstanceOf(NullsException.class)
          .hasMessageContaining("row 0 is the first");
      assertThatThrownBy(() -> DeviceColumn.from(ArrayInterface.borrow(json), MASK))
          .isInstanceOf(UnsupportedTypeException.class)
          .hasMessageContaining("Cannot hand out a mask of shape [2, 3] as validity");
      assertThatThrownBy(
              () -> DeviceArray.from(ArrayInterface.borrow(json), fill.withCopy(Copy.NEVER)))
          .isInstanceOf(CopyRefusedException.class)
          .hasMessageContaining("a copy is needed (NULL_FILL)");
    }
  }

  @Test
  void rowsOfMatricesComeBackMasked() {
    try (Scratch scratch = new Scratch()) {
      Memory values = Memory.borrow(scratch.allocate(24), DType.FLOAT32, 3, 2);
      Memory validity =
          Memory.borrow(scratch.bytes(new byte[] {1, 0, 0, 1, 1, 1}), DType.BOOL, 3).withStrides(2);
      try (DeviceColumn column =
              DeviceColumn.of("m", DeviceArray.from(values))
                  .withValidity(DeviceArray.from(validity));
          DeviceColumn back =
              DeviceColumn.from(ArrayInterface.borrow(ArrayInterface.of(column)), MASK)) {
        assertThat(ArrayInterface.of(column).mask().shape()).containsExactly(3, 1);
        assertThat(back.values().shape()).containsExactly(3, 2);
        assertThat(bytes(back.validity())).containsExactly(1, 0, 1);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"[1]", "[2]", "[]", "[3,1]", "[1,3]", "[0]"})
  void masksThatDoNotFitAreRefused(String shape) {
    assertThatThrownBy(
            () -> DeviceArray.from(ArrayInterface.borrow(json(64, "[3]", "|b1", 64, shape))))
        .isInstanceOf(UnsupportedTypeException.class)
        .hasMessageContaining("Cannot read a mask of shape ")
        .hasMessageContaining("for values of shape [3]");
  }

  @ParameterizedTest
  @ValueSource(strings = {"|i1", "<f4", "|t8", "|b2"})
  void masksOfOtherTypesAreRefused(String typestr) {
    assertThatThrownBy(
            () -> DeviceArray.from(ArrayInterface.borrow(json(64, "[3]", typestr, 64, "[3]"))))
        .isInstanceOf(UnsupportedTypeException.class)
        .hasMessageContaining("Cannot read a mask of type '" + typestr + "'");
  }

  @Test
  void bitsWithStridesAreRefused() {
    String json = json(64, "[3]", "|t1", 64, "[3],\"strides\":[1]");
    assertThatThrownBy(() -> DeviceArray.from(ArrayInterface.borrow(json)))
        .isInstanceOf(UnsupportedTypeException.class)
        .hasMessageContaining("Cannot read a mask of bits with strides [1]");
  }

  @Test
  void masksOnDevicesAreHandedOnOrRefused() {
    Device cuda = Device.cuda(0);
    String bools = json(4096, "[3]", "|b1", 8192, "[3]");
    try (DeviceColumn column = DeviceColumn.from(CudaArrayInterface.borrow(bools, cuda), MASK)) {
      assertThat(column.validity().address()).isEqualTo(8192);
      assertThat(column.validity().device()).isEqualTo(cuda);
      assertThat(CudaArrayInterface.of(column).toJson()).isEqualTo(bools);
    }
    for (Nulls policy : new Nulls[] {Nulls.REJECT, Nulls.PROPAGATE, Nulls.fill(0)}) {
      Options options = Options.defaults().withNulls(policy);
      assertThatThrownBy(() -> DeviceColumn.from(CudaArrayInterface.borrow(bools, cuda), options))
          .isInstanceOf(NullsException.class)
          .hasMessageContaining("the host cannot reach its mask; promise that there are none with")
          .hasMessageContaining("or take the mask with Nulls.MASK and DeviceColumn.from");
    }
    String bits = json(4096, "[3]", "|t1", 8192, "[3]");
    assertThatThrownBy(() -> DeviceColumn.from(CudaArrayInterface.borrow(bits, cuda), MASK))
        .isInstanceOf(UnsupportedTypeException.class)
        .hasMessageContaining("Cannot hand out a mask of bits on cuda:0");
    Options assume = Options.defaults().withNulls(Nulls.ASSUME_NONE);
    try (DeviceArray array = DeviceArray.from(CudaArrayInterface.borrow(bits, cuda), assume)) {
      assertThat(array.address()).isEqualTo(4096);
    }
  }

  @Test
  void scalarsMayBeMaskedToo() {
    try (Scratch scratch = new Scratch()) {
      long value = scratch.allocate(4);
      long zero = scratch.allocate(1);
      String json = json(value, "[]", "|b1", zero, "[]");
      assertThatThrownBy(() -> DeviceArray.from(ArrayInterface.borrow(json)))
          .isInstanceOf(NullsException.class)
          .hasMessageContaining("row 0 is the first");
      Options fill = Options.defaults().withNulls(Nulls.fill(2));
      try (DeviceArray array = DeviceArray.from(ArrayInterface.borrow(json), fill)) {
        assertThat(array.byteBuffer().getFloat()).isEqualTo(2f);
      }
      assertThatThrownBy(() -> DeviceColumn.from(ArrayInterface.borrow(json), fill))
          .hasMessageContaining("0-dimensional");
    }
  }

  private static String json(long data, String shape, String type, long mask, String maskShape) {
    return ("{\"data\":[%d,true],\"shape\":%s,\"typestr\":\"<f4\",\"version\":3,"
            + "\"mask\":{\"data\":[%d,true],\"shape\":%s,\"typestr\":\"%s\",\"version\":3}}")
        .formatted(data, shape, mask, maskShape, type);
  }
}
