package io.arrowtensor.flink;

import static org.assertj.core.api.Assertions.assertThat;

import io.arrowtensor.internal.BatchMemory;
import io.arrowtensor.internal.NativeBytes;
import io.arrowtensor.internal.TaskAllocators;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Fails a test after which this library holds more native memory than before. */
public final class NothingHeld implements BeforeEachCallback, AfterEachCallback {
  private record Held(long nativeBytes, long arrowBytes) {
    static Held now() {
      TaskAllocators.sweep();
      return new Held(NativeBytes.held(), BatchMemory.heldBytes());
    }
  }

  private static final ExtensionContext.Namespace STORE =
      ExtensionContext.Namespace.create(NothingHeld.class);

  @Override
  public void beforeEach(ExtensionContext context) {
    context.getStore(STORE).put("before", Held.now());
  }

  /**
   * Other tasks of a job that failed may end a little later than the job, and batches that nobody
   * closed are freed once they are collected.
   */
  @Override
  public void afterEach(ExtensionContext context) {
    Held before = context.getStore(STORE).remove("before", Held.class);
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    for (int turn = 0; !Held.now().equals(before) && System.nanoTime() < deadline; turn++) {
      LockSupport.parkNanos(100_000);
      if (turn % 1000 == 10) {
        System.gc();
      }
    }
    assertThat(Held.now()).as("native bytes held").isEqualTo(before);
  }
}
