package io.arrowtensor.flink;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.stream.DoubleStream;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.source.legacy.SourceFunction;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Sources of Flink's old interface emit from a thread that is not the task's. */
@ExtendWith(NothingHeld.class)
@Timeout(120)
@SuppressWarnings("deprecation") // the old interface
class LegacySourceTest {
  private static final int ROWS = 1000;

  private static final class Counting implements SourceFunction<Event> {
    private static final long serialVersionUID = 1;

    @Override
    public void run(SourceContext<Event> context) {
      for (int id = 0; id < ROWS; id++) {
        synchronized (context.getCheckpointLock()) {
          context.collect(Event.of(id));
        }
      }
    }

    @Override
    public void cancel() {}
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 2})
  void itsElementsAreScored(int inFlight) throws Exception {
    StreamExecutionEnvironment environment = StreamExecutionEnvironment.createLocalEnvironment(1);
    DataStream<Double> scored =
        TensorStream.of(environment.addSource(new Counting(), TypeInformation.of(Event.class)))
            .columns("a", "b")
            .maxRows(10)
            .maxDelay(Duration.ofMillis(5))
            .inFlight(inFlight)
            .map(new Sum(), (event, result) -> result.getDouble(0))
            .returns(Types.DOUBLE);
    assertThat(scored.executeAndCollect(ROWS + 1))
        .isEqualTo(DoubleStream.iterate(0, sum -> sum + 3).limit(ROWS).boxed().toList());
  }
}
