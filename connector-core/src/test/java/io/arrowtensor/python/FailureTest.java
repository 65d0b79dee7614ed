package io.arrowtensor.python;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** What Python hears of an exception when all else fails too. */
class FailureTest {
  @Test
  void lackOfMemoryForTheMessageIsAnAnswerOfItsOwn() {
    assertThat(Failure.answer(new Unspeakable(), false)).isEqualTo(Protocol.NO_MEMORY);
    assertThat(Protocol.NO_MEMORY).as("not the end of the JVM").isNotEqualTo(-1);
  }

  /** Its text does not fit into the memory that is left. */
  private static final class Unspeakable extends RuntimeException {
    private static final long serialVersionUID = 1;

    @Override
    public String getMessage() {
      throw new OutOfMemoryError("test");
    }
  }
}
