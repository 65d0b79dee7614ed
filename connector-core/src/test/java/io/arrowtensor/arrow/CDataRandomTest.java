package io.arrowtensor.arrow;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The fuzzer's check on random bytes of fixed seeds. */
class CDataRandomTest {
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4})
  void randomStructsAreTakenOrRefusedAndReleasedOnce(long seed) {
    Random random = new Random(seed);
    int taken = 0;
    for (int i = 0; i < 2_500; i++) {
      byte[] input = new byte[random.nextInt(400)];
      random.nextBytes(input);
      try {
        taken += CDataBytes.check(input) ? 1 : 0;
      } catch (RuntimeException | AssertionError e) {
        throw new AssertionError("seed " + seed + ", input " + i, e);
      }
    }
    assertThat(taken).as("taken").isBetween(300, 2_200);
  }
}
