package io.arrowtensor.python;

import static org.assertj.core.api.Assertions.assertThat;

import io.arrowtensor.testing.NoLeaks;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The fuzzer's check on sound descriptions that were damaged with fixed seeds. */
@ExtendWith(NoLeaks.class)
class InterfaceRandomTest {
  private static final List<String> SOUND =
      List.of(
          "{\"data\":[4096,false],\"shape\":[2,3],\"typestr\":\"<f4\",\"version\":3}",
          "{\"data\": [64, true], \"strides\": [8, -4], \"descr\": [[\"\", \"<i4\"]],"
              + " \"typestr\": \"<i4\", \"shape\": [2, 2], \"version\": 3}",
          "{\"data\":[9,true],\"shape\":[3],\"typestr\":\"|u1\",\"version\":2,\"stream\":2,"
              + "\"mask\":{\"data\":[8,true],\"shape\":[3],\"typestr\":\"|t1\",\"version\":1}}");
  private static final String PARTS = "0123456789-.,:[]{}\"<>|eE nulltrueshapedatmsk\\\u0000é";

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
        read += InterfaceText.check(text.toString()) ? 1 : 0;
      } catch (RuntimeException | AssertionError e) {
        throw new AssertionError("seed " + seed + ": " + text, e);
      }
    }
    assertThat(read).as("read").isBetween(500, 1_500);
  }
}
