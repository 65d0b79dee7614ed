package io.arrowtensor.flink;

import static org.assertj.core.api.Assertions.assertThat;

import io.arrowtensor.BatchContext;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.OwnedBatch;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A long call of a function and a job that ends. */
@ExtendWith(NothingHeld.class)
@Timeout(120)
class CancelTest {
  @RegisterExtension static final Cluster CLUSTER = new Cluster();

  private static CountDownLatch started;
  private static CountDownLatch cancelled;
  private static final AtomicInteger TOLD = new AtomicInteger();
  private static final AtomicInteger CLOSED = new AtomicInteger();
  private static final AtomicInteger CLOSED_WHILE_COMPUTING = new AtomicInteger();
  private static volatile boolean computing;

  @BeforeEach
  void reset() {
    started = new CountDownLatch(1);
    cancelled = new CountDownLatch(1);
    TOLD.set(0);
    CLOSED.set(0);
    CLOSED_WHILE_COMPUTING.set(0);
  }

  /** Computes for ten minutes unless it is told to stop; deaf to interrupts, as native code is. */
  private static final class TenMinutes extends Sum {
    private static final long serialVersionUID = 1;

    @Override
    public void open(BatchContext context) throws Exception {
      super.open(context);
      context.onCancel(
          () -> {
            TOLD.incrementAndGet();
            cancelled.countDown();
          });
    }

    @Override
    public OwnedBatch apply(DeviceBatch batch) throws Exception {
      computing = true;
      started.countDown();
      awaitDeaf(cancelled);
      OwnedBatch results = super.apply(batch); // the batch is still there
      computing = false;
      return results;
    }

    @Override
    public void close() {
      CLOSED.incrementAndGet();
      CLOSED_WHILE_COMPUTING.addAndGet(computing ? 1 : 0);
    }
  }

  /** Waits ten minutes at most, interrupted or not. */
  private static void awaitDeaf(CountDownLatch latch) {
    long end = System.nanoTime() + TimeUnit.MINUTES.toNanos(10);
    boolean interrupted = false;
    while (latch.getCount() > 0 && System.nanoTime() < end) {
      try {
        assertThat(latch.await(end - System.nanoTime(), TimeUnit.NANOSECONDS))
            .as("told before it was done")
            .isTrue();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private static StreamExecutionEnvironment job(Sum function, int inFlight) {
    StreamExecutionEnvironment environment = StreamExecutionEnvironment.createLocalEnvironment(1);
    TensorStream.of(environment.fromSequence(0, 99).map(Event::of).returns(Event.class))
        .columns("a", "b")
        .maxRows(10)
        .inFlight(inFlight)
        .map(function)
        .sinkTo(new DiscardingSink<>());
    return environment;
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 3})
  void aCancelledJobTellsAFunctionThatComputesAndWaitsForIt(int inFlight) throws Exception {
    Cluster.Job job = CLUSTER.start(job(new TenMinutes(), inFlight));
    started.await();
    long start = System.nanoTime();
    job.cancel();
    assertThat(Duration.ofNanos(System.nanoTime() - start))
        .as("from the cancel to the job's end")
        .isLessThan(Duration.ofSeconds(5));
    assertThat(TOLD).as("told once").hasValue(1);
    assertThat(CLOSED).as("closed once").hasValue(1);
    assertThat(CLOSED_WHILE_COMPUTING).as("closed while it computed").hasValue(0);
  }

  private static final class Listening extends Sum {
    private static final long serialVersionUID = 1;

    @Override
    public void open(BatchContext context) throws Exception {
      super.open(context);
      context.onCancel(TOLD::incrementAndGet);
    }
  }

  @Test
  void aJobThatEndsByItselfTellsNobody() throws Exception {
    CLUSTER.start(job(new Listening(), 0)).awaitEnd(JobStatus.FINISHED);
    assertThat(TOLD).as("told").hasValue(0);
  }
}
