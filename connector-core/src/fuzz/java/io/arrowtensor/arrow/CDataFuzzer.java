package io.arrowtensor.arrow;

import com.code_intelligence.jazzer.junit.FuzzTest;

/** Arbitrary bytes as C Data structs. */
class CDataFuzzer {
  @FuzzTest(maxDuration = "60s")
  void structsOfAnyBytesAreTakenOrRefusedAndReleasedOnce(byte[] input) {
    CDataBytes.check(input);
  }
}
