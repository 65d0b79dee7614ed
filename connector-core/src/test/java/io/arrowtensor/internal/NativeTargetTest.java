package io.arrowtensor.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.InterchangeException;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NativeTargetTest {
  @ParameterizedTest
  @CsvSource({
    "Linux,    amd64,   linux-amd64,   libarrowtensor.so",
    "Linux,    x86_64,  linux-amd64,   libarrowtensor.so",
    "Linux,    aarch64, linux-aarch64, libarrowtensor.so",
    "Mac OS X, x86_64,  macos-amd64,   libarrowtensor.dylib",
    "Mac OS X, aarch64, macos-aarch64, libarrowtensor.dylib",
  })
  void knownSystemsHaveAResource(String os, String arch, String folder, String file) {
    assertThat(NativeTarget.of(os, arch).resource())
        .isEqualTo("/io/arrowtensor/native/" + folder + "/" + file);
  }

  @ParameterizedTest
  @CsvSource({
    "Windows 11, amd64,   operating system",
    "SunOS,      sparcv9, operating system",
    "'',         amd64,   operating system",
    "Linux,      s390x,   processor",
    "Linux,      '',      processor",
  })
  void unknownSystemsAreRefusedByName(String os, String arch, String which) {
    assertThatThrownBy(() -> NativeTarget.of(os, arch))
        .isInstanceOf(InterchangeException.class)
        .hasMessageContaining("this " + which)
        .hasMessageContaining("os.name=" + os + ", os.arch=" + arch)
        .hasMessageContaining("-Dio.arrowtensor.native.path");
  }
}
