package io.arrowtensor.dlpack;

import com.code_intelligence.jazzer.junit.FuzzTest;

/** Arbitrary bytes as DLPack structs. */
class DlpackFuzzer {
  @FuzzTest(maxDuration = "60s")
  void structsOfAnyBytesAreTakenOrRefusedAndDeletedOnce(byte[] input) {
    DlpackBytes.check(input);
  }
}
