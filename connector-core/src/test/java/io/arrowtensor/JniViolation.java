package io.arrowtensor;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/**
 * Breaks a JNI rule on purpose. The test itself passes; the build must fail all the same, which
 * {@code .ci/run} asserts. Its name keeps it out of every other run.
 */
class JniViolation {

  private static native void callWithPendingException();

  @Test
  void callsJniWithAnExceptionPending() throws Exception {
    System.load(
        Path.of(JniViolation.class.getResource("/native/libarrowtensortest.so").toURI())
            .toString());

    assertThatThrownBy(JniViolation::callWithPendingException)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("pending");
  }
}
