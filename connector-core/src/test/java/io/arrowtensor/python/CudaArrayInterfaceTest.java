package io.arrowtensor.python;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.DType;
import io.arrowtensor.Device;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.DeviceMismatchException;
import io.arrowtensor.InvalidStructException;
import io.arrowtensor.Memory;
import io.arrowtensor.Nulls;
import io.arrowtensor.Options;
import io.arrowtensor.Ready;
import io.arrowtensor.Stream;
import io.arrowtensor.testing.NoLeaks;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Streams and devices; {@link ArrayInterfaceTest} has the rest. No memory is touched. */
@ExtendWith(NoLeaks.class)
class CudaArrayInterfaceTest {
  private static final Device CUDA = Device.cuda(0);
  private static final String READY =
      "{\"data\":[4096,false],\"shape\":[3],\"typestr\":\"<f4\",\"version\":3}";

  private static String on(String stream) {
    return READY.replace("}", ",\"stream\":" + stream + "}");
  }

  private static Stream stream(String number) {
    return switch (number) {
      case "null" -> Stream.NONE;
      case "1" -> Stream.DEFAULT;
      case "2" -> Stream.PER_THREAD;
      default -> Stream.ofHandle(Long.parseLong(number));
    };
  }

  @ParameterizedTest
  @ValueSource(strings = {"null", "1", "2", "3", "140737488355328"})
  void streamsAreReadAndWritten(String number) {
    CudaArrayInterface read = CudaArrayInterface.parse(on(number));
    assertThat(read.stream()).isEqualTo(stream(number));
    assertThat(read.toJson()).isEqualTo(number.equals("null") ? READY : on(number));
    if (number.equals("2")) {
      return; // an array waits for an event there, which takes a driver: CudaThreadTest
    }
    try (DeviceArray array = DeviceArray.from(CudaArrayInterface.borrow(on(number), CUDA))) {
      assertThat(array.ready()).isEqualTo(Ready.afterStream(read.stream()));
      assertThat(CudaArrayInterface.of(array).toJson()).isEqualTo(read.toJson());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "-1", "1.0", "true", "18446744073709551615"})
  void streamsThatMeanNothingAreRefused(String stream) {
    assertThatThrownBy(() -> CudaArrayInterface.parse(on(stream)))
        .isInstanceOf(InvalidStructException.class)
        .hasMessageContaining("Invalid array interface: 'stream' must ");
  }

  @Test
  void columnsNameTheOneStreamOfValuesAndMask() {
    for (String[] streams : new String[][] {{"7", "7"}, {"7", "null"}, {"null", "7"}}) {
      try (DeviceColumn column = column(stream(streams[0]), stream(streams[1]))) {
        assertThat(CudaArrayInterface.of(column).stream()).isEqualTo(Stream.ofHandle(7));
      }
    }
  }

  private static DeviceColumn column(Stream values, Stream validity) {
    Memory floats = Memory.borrow(4096, DType.FLOAT32, 3).withDevice(CUDA);
    Memory bools = Memory.borrow(8192, DType.BOOL, 3).withDevice(CUDA);
    return DeviceColumn.of("n", DeviceArray.from(floats.withReady(Ready.afterStream(values))))
        .withValidity(DeviceArray.from(bools.withReady(Ready.afterStream(validity))));
  }

  @Test
  void masksAreReadyWithTheirValues() {
    String mask = READY.replace("<f4", "|b1");
    String masked = on("7").replace("}", ",\"mask\":" + mask + "}");
    Options options = Options.defaults().withNulls(Nulls.MASK);
    try (DeviceColumn column =
        DeviceColumn.from(CudaArrayInterface.borrow(masked, CUDA), options)) {
      assertThat(column.values().ready()).isEqualTo(Ready.afterStream(Stream.ofHandle(7)));
      assertThat(column.validity().ready()).isEqualTo(column.values().ready());
    }
  }

  @Test
  void aMaskIsWrittenOnTheStreamOfItsArray() {
    String mask = READY.replace("<f4", "|b1");
    String masked = READY.replace("}", ",\"mask\":" + mask.replace("}", ",\"stream\":5}") + "}");
    assertThatThrownBy(() -> CudaArrayInterface.parse(masked))
        .isInstanceOf(InvalidStructException.class)
        .hasMessageContaining("the mask is written on another stream");
    String same = masked.substring(0, masked.length() - 1) + ",\"stream\":5}";
    assertThat(CudaArrayInterface.parse(same).stream()).isEqualTo(Stream.ofHandle(5));
  }

  @Test
  void descriptionsAreForCudaAlone() {
    AtomicInteger released = new AtomicInteger();
    assertThatThrownBy(
            () ->
                DeviceArray.from(
                    CudaArrayInterface.borrow(READY, Device.CPU, released::incrementAndGet)))
        .isInstanceOf(DeviceMismatchException.class)
        .hasMessageContaining("Cannot describe memory on cpu by __cuda_array_interface__");
    assertThat(released).hasValue(1);
    assertThatThrownBy(() -> DeviceArray.from(ArrayInterface.borrow(on("1"))))
        .isInstanceOf(InvalidStructException.class)
        .hasMessageContaining("it has a 'stream', so its memory is on a device");
  }

  @Test
  void aStreamThatNobodyWaitsForIsNoProducersStream() {
    ArrayInterface description = ArrayInterface.parse(READY);
    assertThatThrownBy(() -> new CudaArrayInterface(description, Stream.NO_SYNC))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("Invalid stream no-sync");
  }

  /** cuDF and the JVM packages of XGBoost write version 1. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void olderVersionsAreRead(int version) {
    String json = READY.replace("\"version\":3", "\"strides\":[4],\"version\":" + version);
    try (DeviceArray array = DeviceArray.from(CudaArrayInterface.borrow(json, Device.cuda(3)))) {
      assertThat(array.device()).isEqualTo(Device.cuda(3));
      assertThat(array.shape()).containsExactly(3);
    }
  }
}
