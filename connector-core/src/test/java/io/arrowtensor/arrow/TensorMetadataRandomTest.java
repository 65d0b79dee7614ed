package io.arrowtensor.arrow;

import static org.assertj.core.api.Assertions.assertThat;

import io.arrowtensor.InvalidStructException;
import java.util.List;
import java.util.Random;
import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The fuzzer's check on sound metadata that was damaged with fixed seeds. */
class TensorMetadataRandomTest {
  private static final List<String> SOUND =
      List.of(
          "{\"shape\":[2,3]}",
          "{ \"shape\": [6], \"permutation\": [0], \"dim_names\": [\"x\"] }",
          "{\"shape\":[1,2,3],\"permutation\":[2,0,1],\"dim_names\":[\"C\",\"H\",\"W\"]}");
  private static final String PARTS = "0123456789-.,:[]{}\"eE nullshapetru\\\u0000é";

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4})
  void damagedTextIsReadOrRefused(long seed) {
    Random random = new Random(seed);
    int read = 0;
    for (int i = 0; i < 2_000; i++) {
      StringBuilder text = new StringBuilder(SOUND.get(random.nextInt(SOUND.size())));
      for (int edits = random.nextInt(4); edits > 0; edits--) {
        char part = PARTS.charAt(random.nextInt(PARTS.length()));
        int at = random.nextInt(text.length());
        switch (random.nextInt(3)) {
          case 0 -> text.setCharAt(at, part);
          case 1 -> text.insert(at, part);
          default -> text.deleteCharAt(at);
        }
      }
      try {
        read += TensorMetadataText.check(text.toString(), 6) ? 1 : 0;
      } catch (RuntimeException | AssertionError e) {
        throw new AssertionError("seed " + seed + ": " + text, e);
      }
    }
    assertThat(read).as("read").isBetween(500, 1_500);
  }

  @Test
  void deepNestingIsRefusedLikeAnyOtherText() {
    Assertions.assertThatThrownBy(() -> TensorMetadata.parse("[".repeat(100_000), 6))
        .isInstanceOf(InvalidStructException.class)
        .hasMessageContaining("it is no JSON");
  }
}
