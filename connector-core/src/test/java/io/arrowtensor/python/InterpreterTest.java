package io.arrowtensor.python;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Releases that run in Python's interpreter, and its end. */
class InterpreterTest {
  private final Interpreter interpreter = new Interpreter();

  @Test
  void nothingRunsBeforeTheInterpreterIsThereAndAfterItsEnd() {
    AtomicInteger runs = new AtomicInteger();
    interpreter.execute(runs::incrementAndGet);
    assertThat(runs).hasValue(0);
    interpreter.open(0, 0, 0);
    interpreter.execute(runs::incrementAndGet);
    assertThat(runs).hasValue(1);
    interpreter.close();
    interpreter.execute(runs::incrementAndGet);
    assertThat(runs).hasValue(1);
  }

  @Test
  void endWaitsForTheReleaseThatIsUnderWay() throws InterruptedException {
    interpreter.open(0, 0, 0);
    CountDownLatch entered = new CountDownLatch(1);
    CountDownLatch mayEnd = new CountDownLatch(1);
    AtomicBoolean released = new AtomicBoolean();
    Thread releasing =
        new Thread(
            () ->
                interpreter.execute(
                    () -> {
                      entered.countDown();
                      awaited(mayEnd);
                      released.set(true);
                    }));
    releasing.start();
    awaited(entered);
    AtomicBoolean releasedBeforeEnd = new AtomicBoolean();
    Thread ending =
        new Thread(
            () -> {
              interpreter.close();
              releasedBeforeEnd.set(released.get());
            });
    ending.start();
    while (ending.getState() != Thread.State.TIMED_WAITING) {
      Thread.onSpinWait();
    }
    AtomicBoolean late = new AtomicBoolean();
    interpreter.execute(() -> late.set(true)); // while the end waits
    mayEnd.countDown();
    ending.join();
    releasing.join();
    assertThat(releasedBeforeEnd).isTrue();
    assertThat(late).isFalse();
  }

  @Test
  void releaseThatThrowsDoesNotKeepTheInterpreter() {
    interpreter.open(0, 0, 0);
    assertThat(
            catchThrowable(
                () ->
                    interpreter.execute(
                        () -> {
                          throw new IllegalStateException("refused");
                        })))
        .hasMessage("refused");
    interpreter.close(); // would wait ten seconds
    assertThat(interpreter.enter()).isFalse();
  }

  private static void awaited(CountDownLatch latch) {
    try {
      assertThat(latch.await(10, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}
