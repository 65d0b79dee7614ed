package io.arrowtensor.flink;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.RecordAttributesBuilder;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** When a batch is scored, and what never happens before or after it. */
@ExtendWith(NothingHeld.class)
class FlushTest {
  private static final TypeInformation<Event> TYPE = TypeInformation.of(Event.class);

  private static SingleOutputStreamOperator<Double> sum(TensorStream<Event> stream) {
    return stream
        .columns("a", "b")
        .maxRows(4)
        .maxDelay(Duration.ofMillis(50))
        .map(new Sum(), (event, result) -> result.getDouble(0));
  }

  private Harness<Event, Double> harness;

  @BeforeEach
  void open() throws Exception {
    harness = Harness.open(TYPE, FlushTest::sum);
    harness.flink().setProcessingTime(1000);
  }

  @AfterEach
  void close() {
    harness.close();
  }

  private void send(long... ids) throws Exception {
    for (long id : ids) {
      harness.send(Event.of(id), id);
    }
  }

  private static StreamRecord<Double> scored(long id) {
    return new StreamRecord<>(3.0 * id, id);
  }

  @Test
  void aFullBatchIsScoredAtOnce() throws Exception {
    send(1, 2, 3);
    assertThat(harness.emitted()).as("not full").isEmpty();
    send(4, 5);
    assertThat(harness.emitted())
        .as("in order, each with its timestamp")
        .containsExactly(scored(1), scored(2), scored(3), scored(4));
  }

  @Test
  void theFirstRowWaitsNoLongerThanTheDelay() throws Exception {
    send(1);
    harness.flink().setProcessingTime(1049);
    assertThat(harness.emitted()).as("too early").isEmpty();
    harness.flink().setProcessingTime(1050);
    assertThat(harness.emitted()).as("due").containsExactly(scored(1));
  }

  @Test
  void oneTimerLivesAndIsSetAnewForTheRestOfTheDelay() throws Exception {
    send(1, 2, 3, 4); // sets the timer for 1050 and is full
    harness.flink().setProcessingTime(1030);
    send(5);
    assertThat(harness.flink().getProcessingTimeService().getNumActiveTimers())
        .as("timers")
        .isEqualTo(1);
    harness.emitted();
    harness.flink().setProcessingTime(1050);
    assertThat(harness.emitted()).as("the timer of the batch before").isEmpty();
    harness.flink().setProcessingTime(1079);
    assertThat(harness.emitted()).as("too early").isEmpty();
    harness.flink().setProcessingTime(1080);
    assertThat(harness.emitted()).as("due").containsExactly(scored(5));
    harness.flink().setProcessingTime(5000);
    assertThat(harness.flink().getProcessingTimeService().getNumActiveTimers())
        .as("timers without rows")
        .isZero();
  }

  @Test
  void everyRowIsEmittedBeforeABarrierAndNothingIsState() throws Exception {
    send(1, 2);
    harness.flink().prepareSnapshotPreBarrier(7);
    assertThat(harness.emitted()).as("rows").containsExactly(scored(1), scored(2));
    OperatorSubtaskState state = harness.flink().snapshot(7, 1000);
    assertThat(state.hasState()).as("state").isFalse();
    send(3);
    harness.kill();

    try (Harness<Event, Double> restored =
        Harness.create(TYPE, new Configuration(), FlushTest::sum)) {
      restored.flink().initializeState(state);
      restored.flink().open();
      restored.send(Event.of(3), 3).send(Event.of(4), 4);
      restored.flink().endInput();
      assertThat(restored.emitted()).as("rows").containsExactly(scored(3), scored(4));
    }
  }

  @Test
  void theEndOfTheInputScoresTheRest() throws Exception {
    send(1, 2);
    harness.flink().endInput();
    assertThat(harness.emitted()).as("rows").containsExactly(scored(1), scored(2));
  }

  @Test
  void finishScoresTheRestToo() throws Exception {
    send(1);
    harness.flink().getOperator().finish();
    assertThat(harness.emitted()).as("rows").containsExactly(scored(1));
  }

  @Test
  void aTaskThatFailsEmitsNothing() throws Exception {
    send(1);
    harness.kill();
    assertThat(harness.emitted()).as("a restore brings it again").isEmpty();
  }

  @Test
  void watermarksWaitForTheRowsBeforeThem() throws Exception {
    harness.flink().processWatermark(1);
    assertThat(harness.emitted()).as("no row waits").containsExactly(new Watermark(1));
    send(10);
    harness.flink().processWatermark(5);
    harness.flink().processWatermark(8);
    assertThat(harness.emitted()).as("a row waits").isEmpty();
    send(11, 12, 13);
    assertThat(harness.emitted())
        .as("rows, then the last watermark")
        .containsExactly(scored(10), scored(11), scored(12), scored(13), new Watermark(8));
    send(14);
    harness.flink().setProcessingTime(9000);
    assertThat(harness.emitted()).as("no watermark twice").containsExactly(scored(14));
  }

  @Test
  void theLastWatermarkScoresTheRest() throws Exception {
    send(1);
    harness.flink().processWatermark(0);
    harness.flink().processWatermark(Watermark.MAX_WATERMARK);
    assertThat(harness.emitted())
        .as("rows, what waited for them, then the end of time")
        .containsExactly(scored(1), new Watermark(0), Watermark.MAX_WATERMARK);
  }

  @Test
  void anIdleInputKeepsNoRowsBack() throws Exception {
    send(1);
    harness.flink().processWatermark(0);
    harness.flink().processWatermarkStatus(WatermarkStatus.IDLE);
    assertThat(harness.emitted())
        .as("rows, watermark, status")
        .containsExactly(scored(1), new Watermark(0), WatermarkStatus.IDLE);
  }

  @Test
  void aBacklogIsReadInFullBatches() throws Exception {
    send(1);
    harness
        .flink()
        .processRecordAttributes(new RecordAttributesBuilder(List.of()).setBacklog(true).build());
    assertThat(harness.values()).as("attributes do not overtake rows").containsExactly(3.0);
    send(2);
    harness.flink().setProcessingTime(60_000);
    assertThat(harness.values()).as("no timer in a backlog").isEmpty();
    send(3, 4, 5);
    assertThat(harness.values()).as("full").containsExactly(6.0, 9.0, 12.0, 15.0);
    send(6);
    harness
        .flink()
        .processRecordAttributes(new RecordAttributesBuilder(List.of()).setBacklog(false).build());
    assertThat(harness.values()).as("its end keeps no rows back").containsExactly(18.0);
    send(7);
    harness.flink().setProcessingTime(60_050);
    assertThat(harness.values()).as("timers again").containsExactly(21.0);
  }
}
