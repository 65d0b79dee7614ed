package io.arrowtensor.flink;

import static org.assertj.core.api.Assertions.assertThat;

import io.arrowtensor.BatchContext;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.OwnedBatch;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A long call of a function and a job that ends. */
@ExtendWith(NothingHeld.class)
@Timeout(120)
class CancelTest {
  @RegisterExtension static final Cluster CLUSTER = new Cluster();

  private static final CountDownLatch STARTED = new CountDownLatch(1);
  private static final CountDownLatch CANCELLED = new CountDownLatch(1);
  private static final AtomicInteger TOLD = new AtomicInteger();
  private static final AtomicInteger TOLD_AT_THE_END = new AtomicInteger();

  /** Computes until it is told to stop; deaf to interrupts, as native code is. */
  private static final class Endless extends Sum {
    private static final long serialVersionUID = 1;

    @Override
    public void open(BatchContext context) throws Exception {
      super.open(context);
      context.onCancel(
          () -> {
            TOLD.incrementAndGet();
            CANCELLED.countDown();
          });
    }

    @Override
    public OwnedBatch apply(DeviceBatch batch) throws Exception {
      STARTED.countDown();
      boolean interrupted = false;
      while (CANCELLED.getCount() > 0) {
        try {
          CANCELLED.await();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
      return super.apply(batch);
    }
  }

  private static StreamExecutionEnvironment job(Sum function) {
    StreamExecutionEnvironment environment = StreamExecutionEnvironment.createLocalEnvironment(1);
    TensorStream.of(environment.fromSequence(0, 99).map(Event::of).returns(Event.class))
        .columns("a", "b")
        .maxRows(10)
        .map(function)
        .sinkTo(new DiscardingSink<>());
    return environment;
  }

  @Test
  void aCancelledJobTellsAFunctionThatComputes() throws Exception {
    Cluster.Job job = CLUSTER.start(job(new Endless()));
    STARTED.await();
    job.cancel();
    assertThat(TOLD).as("told once").hasValue(1);
  }

  private static final class Listening extends Sum {
    private static final long serialVersionUID = 1;

    @Override
    public void open(BatchContext context) throws Exception {
      super.open(context);
      context.onCancel(TOLD_AT_THE_END::incrementAndGet);
    }
  }

  @Test
  void aJobThatEndsByItselfTellsNobody() throws Exception {
    CLUSTER.start(job(new Listening())).awaitEnd(JobStatus.FINISHED);
    assertThat(TOLD_AT_THE_END).as("told").hasValue(0);
  }
}
