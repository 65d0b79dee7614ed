package io.arrowtensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What memory can wait for, and the numbers of streams. */
class ReadyTest {
  @Test
  void nothingToWaitForIsNow() {
    assertThat(Ready.afterEvent(0)).isSameAs(Ready.NOW);
    assertThat(Ready.afterStream(Stream.NONE)).isSameAs(Ready.NOW);
    assertThat(Ready.NOW.isNow()).isTrue();
    assertThat(Ready.afterEvent(-1).isNow()).isFalse();
    assertThat(Ready.afterStream(Stream.DEFAULT).isNow()).isFalse();
  }

  @Test
  void itPrintsWhatItWaitsFor() {
    assertThat(Ready.NOW).hasToString("now");
    assertThat(Ready.afterEvent(0x7f00)).hasToString("after event 0x7f00");
    assertThat(Ready.afterStream(Stream.DEFAULT)).hasToString("after stream default");
    assertThat(Ready.afterStream(Stream.ofHandle(0x70))).hasToString("after stream 0x70");
  }

  @Test
  void aStreamThatIsNoneCannotBeWaitedFor() {
    assertThatThrownBy(() -> Ready.afterStream(Stream.NO_SYNC))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "Invalid readiness: event 0x0 and stream no-sync; name an event or a stream that has the"
                + " pending work");
    assertThatThrownBy(() -> new Ready(1, Stream.DEFAULT))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("Invalid readiness: event 0x1 and stream default");
  }

  @ParameterizedTest
  @CsvSource({
    "cuda, -1, no-sync", "cuda, 1, default", "cuda, 2, per-thread", "cuda, 3, 0x3",
    "rocm, -1, no-sync", "rocm, 0, default", "rocm, 3, 0x3", "cuda, 4096, 0x1000"
  })
  void streamsAreNumberedAsTheArrayApiDoes(String device, long number, String name) {
    assertThat(Stream.of(number, type(device))).hasToString(name);
  }

  @ParameterizedTest
  @CsvSource({"cuda, 0, '1, 2'", "cuda, -2, '1, 2'", "rocm, 1, 0", "rocm, 2, 0", "rocm, -9, 0"})
  void disallowedNumbersAreRefused(String device, long number, String allowed) {
    assertThatThrownBy(() -> Stream.of(number, type(device)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "Invalid stream %d for %s: expected -1, %s or the handle of a stream"
                .formatted(number, device, allowed));
  }

  /** -1 would be no {@link Stream#NO_SYNC} but a pointer to the driver. */
  @ParameterizedTest
  @ValueSource(longs = {0, 1, 2, -1, Long.MIN_VALUE})
  void numbersThatAreNoHandlesAreRefusedAsSuch(long handle) {
    assertThatThrownBy(() -> Stream.ofHandle(handle))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "Invalid stream handle %d: pass Stream.DEFAULT, Stream.PER_THREAD, Stream.NO_SYNC or a"
                    .formatted(handle)
                + " stream that you created");
  }

  private static DeviceType type(String name) {
    return name.equals("rocm") ? DeviceType.ROCM : DeviceType.CUDA;
  }
}
