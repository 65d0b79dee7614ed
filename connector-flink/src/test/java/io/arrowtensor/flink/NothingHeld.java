package io.arrowtensor.flink;

import static org.assertj.core.api.Assertions.assertThat;

import io.arrowtensor.internal.NativeBytes;
import io.arrowtensor.internal.TaskAllocators;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Fails a test after which this library still holds native memory. */
final class NothingHeld implements AfterEachCallback {

  /** Other tasks of a job that failed may end a little later than the job. */
  @Override
  public void afterEach(ExtensionContext context) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (NativeBytes.held() != 0 && System.nanoTime() < deadline) {
      LockSupport.parkNanos(100_000);
    }
    TaskAllocators.sweep();
    assertThat(NativeBytes.held()).as("native bytes held").isZero();
    assertThat(Scorer.heldBytes()).as("Arrow's bytes").isZero();
  }
}
