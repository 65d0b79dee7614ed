package io.arrowtensor.python;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.DType;
import io.arrowtensor.Device;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceMismatchException;
import io.arrowtensor.InvalidStructException;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;
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
    Memory memory = Memory.borrow(4096, DType.FLOAT32, 3).withReadOnly(false).withDevice(CUDA);
    try (DeviceArray array = DeviceArray.from(memory)) {
      assertThat(CudaArrayInterface.of(array, read.stream()).toJson()).isEqualTo(read.toJson());
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
  void nobodyReadsBeforeTheProducersWorkByMistake() {
    AtomicInteger released = new AtomicInteger();
    assertThatThrownBy(
            () ->
                DeviceArray.from(
                    CudaArrayInterface.borrow(on("7"), CUDA, released::incrementAndGet)))
        .isInstanceOf(DeviceMismatchException.class)
        .hasMessage(
            "Cannot read memory that is written on stream 0x7 from stream none: read on that stream"
                + " (Options.withStream), or wait for it first and say so by"
                + " Options.withStream(Stream.NO_SYNC)");
    assertThat(released).hasValue(1);
    for (Stream stream : new Stream[] {Stream.ofHandle(7), Stream.NO_SYNC}) {
      Options options = Options.defaults().withStream(stream);
      try (DeviceArray array =
          DeviceArray.from(CudaArrayInterface.borrow(on("7"), CUDA), options)) {
        assertThat(array.address()).isEqualTo(4096);
      }
    }
    Options other = Options.defaults().withStream(Stream.DEFAULT);
    assertThatThrownBy(() -> DeviceArray.from(CudaArrayInterface.borrow(on("7"), CUDA), other))
        .hasMessageContaining("from stream default");
    try (DeviceArray array = DeviceArray.from(CudaArrayInterface.borrow(READY, CUDA), other)) {
      assertThat(array.device()).isEqualTo(CUDA);
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
