package io.arrowtensor.arrow;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.nio.charset.StandardCharsets;

/** Arbitrary text as the metadata of a tensor. */
class TensorMetadataFuzzer {
  @FuzzTest(maxDuration = "60s")
  void anyTextIsReadOrRefused(byte[] input) {
    TensorMetadataText.check(new String(input, StandardCharsets.UTF_8), 6);
  }
}
