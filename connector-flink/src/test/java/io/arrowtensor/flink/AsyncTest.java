package io.arrowtensor.flink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.DeviceBatch;
import io.arrowtensor.OwnedBatch;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.LongStream;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** A function on a thread of its own: what comes when, and what waits for what. */
@ExtendWith(NothingHeld.class)
class AsyncTest {
  private static final TypeInformation<Event> TYPE = TypeInformation.of(Event.class);
  private static final Semaphore MAY_COMPUTE = new Semaphore(0);
  private static final AtomicInteger COMPUTED = new AtomicInteger();
  private static volatile Thread engine;
  private static volatile boolean failing;

  /** Computes a batch for each permit. */
  private static final class Gated extends Sum {
    private static final long serialVersionUID = 1;

    @Override
    public OwnedBatch apply(DeviceBatch batch) throws Exception {
      engine = Thread.currentThread();
      MAY_COMPUTE.acquire();
      if (failing) {
        throw new IllegalStateException("planned");
      }
      OwnedBatch results = super.apply(batch);
      COMPUTED.incrementAndGet();
      return results;
    }
  }

  private Harness<Event, Double> harness;

  @BeforeEach
  void open() throws Exception {
    MAY_COMPUTE.drainPermits();
    COMPUTED.set(0);
    failing = false;
    harness =
        Harness.open(
            TYPE,
            stream ->
                stream
                    .columns("a", "b")
                    .maxRows(2)
                    .maxDelay(Duration.ofMillis(50))
                    .inFlight(2)
                    .map(new Gated(), (event, result) -> result.getDouble(0)));
  }

  @AfterEach
  void close() {
    MAY_COMPUTE.release(1000);
    harness.close();
  }

  private void send(long... ids) throws Exception {
    for (long id : ids) {
      harness.send(Event.of(id), id);
    }
  }

  private static List<Object> scored(long... ids) {
    List<Object> records = new ArrayList<>();
    LongStream.of(ids).forEach(id -> records.add(new StreamRecord<>(3.0 * id, id)));
    return records;
  }

  @Test
  void theTaskGathersWhileTheFunctionComputes() throws Exception {
    send(1, 2, 3, 4, 5); // two batches on their way, one begun
    assertThat(harness.emitted()).as("nothing is computed yet").isEmpty();
    MAY_COMPUTE.release(3);
    harness.flink().prepareSnapshotPreBarrier(1);
    assertThat(harness.emitted())
        .as("all before the barrier, in order")
        .isEqualTo(scored(1, 2, 3, 4, 5));
    assertThat(engine).as("the function's thread").isNotSameAs(Thread.currentThread());
    assertThat(engine.getName()).as("name").startsWith("tensor engine of ");
    assertThat(harness.flink().snapshot(1, 1).hasState()).as("state").isFalse();
  }

  @Test
  void aTaskWhoseBatchesAreAllOnTheirWayWaits() throws Exception {
    send(1, 2, 3, 4, 5, 6); // three batches: the memory there is
    assertThat(COMPUTED).as("computed").hasValue(0);
    MAY_COMPUTE.release(1);
    send(7); // waits for the first batch
    assertThat(COMPUTED).as("computed").hasValue(1);
    assertThat(harness.emitted()).as("the first batch").isEqualTo(scored(1, 2));
    MAY_COMPUTE.release(3);
    harness.flink().endInput();
    assertThat(harness.emitted()).as("the rest").isEqualTo(scored(3, 4, 5, 6, 7));
  }

  @Test
  void watermarksStayBehindTheRowsTheyCameBehind() throws Exception {
    send(10, 11);
    harness.flink().processWatermark(5);
    send(12);
    harness.flink().processWatermark(7);
    assertThat(harness.emitted()).as("nothing is computed yet").isEmpty();
    MAY_COMPUTE.release(2);
    harness.flink().processWatermarkStatus(WatermarkStatus.IDLE);
    List<Object> expected = scored(10, 11);
    expected.add(new Watermark(5));
    expected.addAll(scored(12));
    expected.add(new Watermark(7));
    expected.add(WatermarkStatus.IDLE);
    assertThat(harness.emitted()).as("in order").isEqualTo(expected);
    harness.flink().processWatermark(8);
    assertThat(harness.emitted()).as("nothing to wait for").containsExactly(new Watermark(8));
    send(13);
    MAY_COMPUTE.release(1);
    harness.flink().processWatermark(Watermark.MAX_WATERMARK);
    expected = scored(13);
    expected.add(Watermark.MAX_WATERMARK);
    assertThat(harness.emitted()).as("the end of time").isEqualTo(expected);
  }

  @Test
  void theDelaySendsABatchThatIsNotFull() throws Exception {
    harness.flink().setProcessingTime(0);
    send(1);
    harness.flink().setProcessingTime(50);
    MAY_COMPUTE.release(1);
    harness.flink().prepareSnapshotPreBarrier(1); // nothing is gathered: waits for what is there
    assertThat(harness.emitted()).as("rows").isEqualTo(scored(1));
  }

  @Test
  void aFailureOfTheFunctionFailsTheTask() throws Exception {
    failing = true;
    send(1, 2);
    MAY_COMPUTE.release(1);
    assertThatThrownBy(() -> harness.flink().prepareSnapshotPreBarrier(1))
        .hasStackTraceContaining("Cannot score batch 0 of ")
        .hasStackTraceContaining("planned");
    harness.kill();
  }

  @Test
  void aTaskThatFailsInterruptsTheFunctionAndFreesWhatItLeft() throws Exception {
    send(1, 2, 3, 4);
    harness.kill();
    assertThat(COMPUTED).as("computed").hasValue(0);
  }

  @Test
  void resultsThatNobodyTakesAnyMoreAreFreed() throws Exception {
    MAY_COMPUTE.release(2);
    send(1, 2, 3, 4);
    Cluster.await("both are computed", () -> COMPUTED.get() == 2);
    harness.kill();
    assertThat(harness.emitted()).as("rows").isEmpty();
  }
}
