package io.arrowtensor.arrow;

import com.code_intelligence.jazzer.junit.FuzzTest;

/** Arbitrary bytes as C Device structs. */
class CDeviceFuzzer {
  @FuzzTest(maxDuration = "60s")
  void structsOfAnyBytesAreTakenOrRefusedAndReleasedOnce(byte[] input) {
    CDataBytes.checkOnDevice(input);
  }
}
