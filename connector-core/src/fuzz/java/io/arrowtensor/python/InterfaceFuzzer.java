package io.arrowtensor.python;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.nio.charset.StandardCharsets;

/** Arbitrary text as an array interface. */
class InterfaceFuzzer {
  @FuzzTest(maxDuration = "60s")
  void anyTextIsReadOrRefused(byte[] input) {
    InterfaceText.check(new String(input, StandardCharsets.UTF_8));
  }
}
