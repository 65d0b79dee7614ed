package io.arrowtensor.arrow;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import java.util.function.Predicate;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The fuzzer's check on random bytes of fixed seeds. */
class CDataRandomTest {
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4})
  void randomStructsAreTakenOrRefusedAndReleasedOnce(long seed) {
    assertThat(taken(seed, CDataBytes::check)).as("taken").isBetween(300, 2_200);
  }

  @ParameterizedTest
  @ValueSource(longs = {5, 6})
  void randomDeviceArraysAreTakenOrRefusedAndReleasedOnce(long seed) {
    assertThat(taken(seed, CDataBytes::checkOnDevice)).as("taken").isBetween(200, 2_200);
  }

  private static int taken(long seed, Predicate<byte[]> check) {
    Random random = new Random(seed);
    int taken = 0;
    for (int i = 0; i < 2_500; i++) {
      byte[] input = new byte[random.nextInt(400)];
      random.nextBytes(input);
      try {
        taken += check.test(input) ? 1 : 0;
      } catch (RuntimeException | AssertionError e) {
        throw new AssertionError("seed " + seed + ", input " + i, e);
      }
    }
    return taken;
  }
}
