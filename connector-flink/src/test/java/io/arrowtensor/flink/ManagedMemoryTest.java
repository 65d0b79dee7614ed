package io.arrowtensor.flink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.arrowtensor.BatchContext;
import io.arrowtensor.InterchangeException;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.core.memory.ManagedMemoryUseCase;
import org.apache.flink.runtime.memory.MemoryManager;
import org.apache.flink.runtime.util.config.memory.ManagedMemoryUtils;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.table.data.RowData;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Native memory that Flink counts as its own. */
@ExtendWith(NothingHeld.class)
@Timeout(120)
class ManagedMemoryTest {
  /** Of one slot. */
  private static final MemorySize SLOT = MemorySize.ofMebiBytes(60);

  @RegisterExtension
  static final Cluster CLUSTER =
      new Cluster(
          new Configuration()
              .set(TaskManagerOptions.MANAGED_MEMORY_SIZE, new MemorySize(4 * SLOT.getBytes())));

  private static final TypeInformation<Event> TYPE = TypeInformation.of(Event.class);
  private static final AtomicInteger FAILURES = new AtomicInteger();
  private static final AtomicInteger OPENED = new AtomicInteger();
  private static final AtomicLong LIMIT = new AtomicLong();

  /** Notes its limit; fails in {@code open} as often as planned. */
  private static final class Limited extends Sum {
    private static final long serialVersionUID = 1;

    @Override
    public void open(BatchContext context) throws Exception {
      super.open(context);
      LIMIT.set(context.allocator().getLimit());
      OPENED.incrementAndGet();
      if (FAILURES.getAndDecrement() > 0) {
        throw new IllegalStateException("planned in open");
      }
    }
  }

  @BeforeEach
  void reset() {
    FAILURES.set(0);
    OPENED.set(0);
    LIMIT.set(0);
  }

  /**
   * An operator in the harness, whose slot has 3 MiB of managed memory: a half is the state's,
   * {@code share} of the other this operator's.
   */
  private static Harness<Event, Double> harness(MemorySize size, double share) throws Exception {
    Harness<Event, Double> harness =
        Harness.create(
            TYPE,
            new Configuration(),
            stream ->
                stream
                    .columns("a", "b")
                    .maxRows(2)
                    .memory(size)
                    .map(new Limited(), (event, result) -> result.getDouble(0)));
    harness
        .flink()
        .getStreamConfig()
        .setManagedMemoryFractionOperatorOfUseCase(ManagedMemoryUseCase.OPERATOR, share);
    return harness;
  }

  private static MemoryManager slot(Harness<?, ?> harness) {
    return harness.flink().getEnvironment().getMemoryManager();
  }

  private static void assertNothingReserved(Harness<?, ?> harness) {
    assertThat(slot(harness).availableMemory())
        .as("managed memory that nobody reserves")
        .isEqualTo(slot(harness).getMemorySize());
  }

  @Test
  void whatIsReservedIsTheLimitAndComesBackOnce() throws Exception {
    MemorySize size = MemorySize.ofMebiBytes(1);
    Harness<Event, Double> harness = harness(size, 1);
    harness.flink().open();
    assertThat(slot(harness).getMemorySize() - slot(harness).availableMemory())
        .as("reserved")
        .isEqualTo(size.getBytes());
    assertThat(LIMIT).as("limit").hasValue(size.getBytes());
    assertThat(harness.send(Event.of(1), 0).send(Event.of(2), 0).values())
        .as("sums")
        .containsExactly(3.0, 6.0);
    harness.kill();
    harness.kill(); // Flink does not; a second release would be counted as somebody else's
    assertNothingReserved(harness);
  }

  @Test
  void aShareThatIsTooSmallNamesBothAndTheSetting() throws Exception {
    Harness<Event, Double> harness = harness(MemorySize.ofMebiBytes(2), 1);
    assertThatThrownBy(() -> harness.flink().open())
        .isInstanceOf(InterchangeException.class)
        .hasMessage(
            "Cannot reserve 2 mb of managed memory for Limited(a, b): its share of the slot's 3 mb"
                + " is 1536 kb; raise taskmanager.memory.managed.size, or the"
                + " weight of OPERATOR in taskmanager.memory.managed.consumer-weights, or ask for"
                + " less with memory(...)");
    harness.kill();
    assertNothingReserved(harness);
    assertThat(OPENED).as("functions opened").hasValue(0);
  }

  @Test
  void memoryThatOthersHoldIsNamed() throws Exception {
    Harness<Event, Double> harness = harness(MemorySize.ofMebiBytes(1), 1);
    long taken = MemorySize.parse("2500 kb").getBytes();
    slot(harness).reserveMemory(this, taken);
    assertThatThrownBy(() -> harness.flink().open())
        .isInstanceOf(InterchangeException.class)
        .hasMessageStartingWith("Cannot reserve 1 mb of managed memory for Limited(a, b)")
        .hasMessageContaining("is 1536 kb, of which others hold some (Could not allocate 1048576");
    slot(harness).releaseMemory(this, taken);
    harness.kill();
    assertNothingReserved(harness);
  }

  @Test
  void nothingStaysReservedWhenOpenFails() throws Exception {
    FAILURES.set(1);
    Harness<Event, Double> harness = harness(MemorySize.ofMebiBytes(1), 1);
    assertThatThrownBy(() -> harness.flink().open()).hasMessageContaining("planned in open");
    harness.kill();
    assertNothingReserved(harness);
  }

  @Test
  void batchesThatDoNotFitAreRefusedAndNothingStaysReserved() throws Exception {
    Harness<Event, Double> harness =
        Harness.create(
            TYPE,
            new Configuration(),
            stream ->
                stream
                    .columns("a", "b")
                    .maxRows(1_000_000)
                    .memory(MemorySize.ofMebiBytes(1))
                    .map(new Limited(), (event, result) -> result.getDouble(0)));
    harness
        .flink()
        .getStreamConfig()
        .setManagedMemoryFractionOperatorOfUseCase(ManagedMemoryUseCase.OPERATOR, 1);
    assertThatThrownBy(() -> harness.flink().open())
        .isInstanceOf(org.apache.arrow.memory.OutOfMemoryException.class);
    harness.kill();
    assertNothingReserved(harness);
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 1, 1024 * 1024 - 1, 1L << 51})
  void sizesThatFlinkCannotWeighAreRefused(long bytes) {
    TensorStream<Event> stream =
        Harness.stream(TYPE, new Configuration()).columns("a", "b").memory(new MemorySize(bytes));
    assertThatThrownBy(() -> stream.map(new Sum()))
        .isInstanceOf(InterchangeException.class)
        .hasMessageContaining("Invalid memory ")
        .hasMessageEndingWith(": expected at least 1 mb, less than 2048 tb");
  }

  @Test
  void withoutItNothingIsDeclared() {
    SingleOutputStreamOperator<RowData> scored =
        Harness.stream(TYPE, new Configuration()).columns("a").map(new Sum());
    assertThat(scored.getTransformation().getManagedMemoryOperatorScopeUseCaseWeights())
        .as("weights")
        .isEmpty();
  }

  private static StreamExecutionEnvironment job(int operators, MemorySize each) {
    Configuration configuration = new Configuration();
    configuration.set(RestartStrategyOptions.RESTART_STRATEGY, "fixed-delay");
    configuration.set(RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_ATTEMPTS, 3);
    configuration.set(
        RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_DELAY, Duration.ofMillis(50));
    StreamExecutionEnvironment environment =
        StreamExecutionEnvironment.createLocalEnvironment(1, configuration);
    for (int i = 0; i < operators; i++) {
      TensorStream.of(environment.fromSequence(0, 99).map(Event::of).returns(Event.class))
          .columns("a", "b")
          .memory(each)
          .map(new Limited())
          .sinkTo(new DiscardingSink<>());
    }
    return environment;
  }

  /** A share of a third is a fraction that Flink rounds down. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void operatorsShareTheirSlotToTheLastByte(int operators) throws Exception {
    MemorySize each = new MemorySize(SLOT.getBytes() / operators);
    CLUSTER.start(job(operators, each)).awaitEnd(JobStatus.FINISHED);
    assertThat(OPENED).as("functions opened").hasValue(operators);
    assertThat(LIMIT.get()).as("limit").isBetween(each.getBytes() - 1024, each.getBytes());
  }

  /** What one attempt left reserved would be missing in the next, which wants the whole slot. */
  @Test
  void aJobThatFailsInOpenIsRestoredWithTheWholeSlot() throws Exception {
    FAILURES.set(3);
    CLUSTER.start(job(1, SLOT)).awaitEnd(JobStatus.FINISHED);
    assertThat(OPENED).as("attempts").hasValue(4);
  }

  /** What docs/flink.md says of a slot whose state is in RocksDB. */
  @Test
  void stateInRocksDbKeepsHalf() {
    Set<ManagedMemoryUseCase> both =
        EnumSet.of(ManagedMemoryUseCase.OPERATOR, ManagedMemoryUseCase.STATE_BACKEND);
    assertThat(share(ManagedMemoryUseCase.STATE_BACKEND, both)).isCloseTo(0.5, within(1e-9));
    assertThat(share(ManagedMemoryUseCase.OPERATOR, both)).isCloseTo(0.5, within(1e-9));
    Set<ManagedMemoryUseCase> all = EnumSet.allOf(ManagedMemoryUseCase.class);
    assertThat(share(ManagedMemoryUseCase.STATE_BACKEND, all)).isCloseTo(0.41, within(0.005));
    assertThat(share(ManagedMemoryUseCase.PYTHON, all)).isCloseTo(0.18, within(0.005));
  }

  private static double share(ManagedMemoryUseCase mine, Set<ManagedMemoryUseCase> users) {
    return ManagedMemoryUtils.convertToFractionOfSlot(
        mine,
        1,
        users,
        new Configuration(),
        new Configuration(),
        Optional.of(true),
        ManagedMemoryTest.class.getClassLoader());
  }
}
