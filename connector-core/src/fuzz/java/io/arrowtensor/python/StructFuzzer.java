package io.arrowtensor.python;

import com.code_intelligence.jazzer.junit.FuzzTest;

/** Arbitrary bytes as {@code PyArrayInterface} and {@code Py_buffer}. */
class StructFuzzer {
  @FuzzTest(maxDuration = "60s")
  void structsOfAnyBytesAreReadOrRefusedAndReleasedOnce(byte[] input) {
    StructBytes.check(input);
  }
}
