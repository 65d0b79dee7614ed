package io.arrowtensor.python;

import static org.assertj.core.api.Assertions.assertThat;

import io.arrowtensor.testing.NoLeaks;
import java.util.Random;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The fuzzer's check on random bytes of fixed seeds. */
@ExtendWith(NoLeaks.class)
class StructRandomTest {
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4})
  void randomStructsAreReadOrRefusedAndReleasedOnce(long seed) {
    Random random = new Random(seed);
    int read = 0;
    for (int i = 0; i < 4_000; i++) {
      byte[] input = new byte[random.nextInt(60)];
      random.nextBytes(input);
      try {
        read += StructBytes.check(input) ? 1 : 0;
      } catch (RuntimeException | AssertionError e) {
        throw new AssertionError("seed " + seed + ", input " + i, e);
      }
    }
    assertThat(read).as("read").isBetween(200, 3_800);
  }
}
