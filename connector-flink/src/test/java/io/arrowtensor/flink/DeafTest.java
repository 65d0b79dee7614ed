package io.arrowtensor.flink;

import static org.assertj.core.api.Assertions.assertThat;

import io.arrowtensor.DeviceBatch;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.internal.BatchMemory;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A function that does not let itself be cancelled. */
@ExtendWith(NothingHeld.class)
@Timeout(120)
class DeafTest {
  @RegisterExtension static final Cluster CLUSTER = new Cluster();

  private static CountDownLatch started;
  private static CountDownLatch done;
  private static final AtomicInteger COMPUTED = new AtomicInteger();
  private static final AtomicInteger CLOSED = new AtomicInteger();
  private static final AtomicInteger INTERRUPTS = new AtomicInteger();

  /** Computes on, cancelled and interrupted or not. */
  private static final class Deaf extends Sum {
    private static final long serialVersionUID = 1;

    @Override
    public OwnedBatch apply(DeviceBatch batch) throws Exception {
      started.countDown();
      boolean interrupted = false;
      while (done.getCount() > 0) {
        try {
          done.await();
        } catch (InterruptedException e) {
          interrupted = true;
          INTERRUPTS.incrementAndGet();
        }
      }
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
      OwnedBatch results = super.apply(batch); // the batch is still there
      COMPUTED.incrementAndGet();
      return results;
    }

    @Override
    public void close() {
      CLOSED.incrementAndGet();
    }
  }

  /** Flink's own watchdog, which would end the task manager, is off. */
  @ParameterizedTest
  @ValueSource(ints = {0, 3})
  void nothingIsFreedUnderAFunctionThatComputesOn(int inFlight) throws Exception {
    started = new CountDownLatch(1);
    done = new CountDownLatch(1);
    COMPUTED.set(0);
    CLOSED.set(0);
    INTERRUPTS.set(0);
    Configuration configuration = new Configuration();
    configuration.set(TaskManagerOptions.TASK_CANCELLATION_INTERVAL, Duration.ofMillis(100));
    configuration.set(TaskManagerOptions.TASK_CANCELLATION_TIMEOUT, Duration.ZERO);
    StreamExecutionEnvironment environment =
        StreamExecutionEnvironment.createLocalEnvironment(1, configuration);
    TensorStream.of(environment.fromSequence(0, 99).map(Event::of).returns(Event.class))
        .columns("a", "b")
        .maxRows(10)
        .inFlight(inFlight)
        .map(new Deaf())
        .sinkTo(new DiscardingSink<>());
    Cluster.Job job = CLUSTER.start(environment);
    started.await();
    CompletableFuture<Void> cancelled =
        CompletableFuture.runAsync(
            () -> {
              try {
                job.cancel();
              } catch (Exception e) {
                throw new CompletionException(e);
              }
            });
    Cluster.await("its task was interrupted", () -> INTERRUPTS.get() > 0);
    assertThat(CLOSED).as("closed while it computed").hasValue(0);
    assertThat(BatchMemory.heldBytes()).as("bytes still held").isPositive();
    done.countDown();
    cancelled.get();
    assertThat(COMPUTED).as("batches computed").hasValue(1);
    assertThat(CLOSED).as("closed").hasValue(1);
  }
}
