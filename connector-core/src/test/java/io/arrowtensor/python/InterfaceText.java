package io.arrowtensor.python;

import static org.assertj.core.api.Assertions.assertThat;

import io.arrowtensor.Device;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.InvalidStructException;
import io.arrowtensor.Nulls;
import io.arrowtensor.Options;
import io.arrowtensor.Storage;
import io.arrowtensor.Stream;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * What holds for any text as either array interface: it is refused with a typed error, or says the
 * same when it is written and read again; a lender is released once. No memory is touched.
 */
final class InterfaceText {
  private static final Options UNREAD =
      Options.defaults()
          .withNulls(Nulls.ASSUME_NONE)
          .withStorage(Storage.AS_INTEGERS)
          .withStream(Stream.NO_SYNC);

  private InterfaceText() {}

  /** Returns whether {@code json} was read as a description. */
  static boolean check(String json) {
    checkOpened(json);
    CudaArrayInterface read;
    try {
      read = CudaArrayInterface.parse(json);
    } catch (InvalidStructException e) {
      assertThat(e.getMessage()).isNotBlank().hasSizeLessThan(1000);
      return false;
    }
    String written = read.toJson();
    CudaArrayInterface again = CudaArrayInterface.parse(written);
    assertThat(again.toJson()).isEqualTo(written);
    assertThat(again.stream()).isEqualTo(read.stream());
    assertThat(read.description().version()).isBetween(1, 3);
    return true;
  }

  private static void checkOpened(String json) {
    AtomicInteger released = new AtomicInteger();
    MaskedSource source =
        CudaArrayInterface.borrow(json, Device.cuda(0), released::incrementAndGet);
    try (DeviceArray array = DeviceArray.from(source, UNREAD)) {
      ArrayInterface said = CudaArrayInterface.parse(json).description();
      assertThat(array.shape()).isEqualTo(said.shape());
      assertThat(array.address()).isEqualTo(said.address());
      assertThat(array.nbytes())
          .isEqualTo(Arrays.stream(said.shape()).reduce(array.dtype().itemSize(), (a, b) -> a * b));
      assertThat(released).hasValue(0);
    } catch (InterchangeException e) {
      assertThat(e.getMessage()).isNotBlank();
    }
    assertThat(released).hasValue(1);
  }
}
