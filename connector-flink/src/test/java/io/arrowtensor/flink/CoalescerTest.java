package io.arrowtensor.flink;

import static org.assertj.core.api.Assertions.assertThat;

import io.arrowtensor.BatchSchema;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.Options;
import io.arrowtensor.OwnedBatch;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import org.apache.flink.api.common.TaskInfo;
import org.apache.flink.api.common.TaskInfoImpl;
import org.apache.flink.api.common.externalresource.ExternalResourceInfo;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.metrics.groups.UnregisteredMetricsGroup;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.functions.FunctionContext;
import org.apache.flink.table.runtime.typeutils.InternalTypeInfo;
import org.apache.flink.table.types.logical.FloatType;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.RowType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** Every row of a query is answered, whatever happens to its batch. */
@ExtendWith(NothingHeld.class)
@Timeout(60)
class CoalescerTest {
  private static final Duration SOON = Duration.ofSeconds(30);

  private Coalescer coalescer;

  @AfterEach
  void close() {
    coalescer.close();
  }

  /** The sum of its columns, after something else. */
  private static final class Summing extends Sum {
    private static final long serialVersionUID = 1;

    private final transient Runnable first;

    Summing(Runnable first) {
      this.first = first;
    }

    @Override
    public OwnedBatch apply(DeviceBatch batch) throws Exception {
      first.run();
      return super.apply(batch);
    }
  }

  /** A task that runs alone, without Flink around it. */
  private static final class Alone extends FunctionContext {
    Alone() {
      super(null, CoalescerTest.class.getClassLoader(), null);
    }

    @Override
    public TaskInfo getTaskInfo() {
      return new TaskInfoImpl("scored", 1, 0, 1, 0);
    }

    @Override
    public MetricGroup getMetricGroup() {
      return new UnregisteredMetricsGroup();
    }

    @Override
    public Set<ExternalResourceInfo> getExternalResourceInfos(String name) {
      return Set.of();
    }
  }

  /** Makes batches of {@code rows}, of which one may wait while another is gathered. */
  private void open(int rows, Runnable first) throws Exception {
    RowType type = RowType.of(new LogicalType[] {new FloatType(false)}, new String[] {"a"});
    InputReader<RowData> reader =
        ElementReaders.of(InternalTypeInfo.of(type), List.of("a"), List.of(), Options.defaults());
    Sum function = new Summing(first);
    BatchSchema results = function.resultSchema(new BatchSchema(reader.arguments()), null);
    Duration delay = Duration.ofMillis(100);
    TensorCall<RowData> call =
        new TensorCall<>(
            reader,
            function,
            Options.defaults(),
            results,
            false,
            List.of(),
            rows,
            1,
            delay,
            1 << 20,
            false,
            SOON,
            "gpu");
    QuerySubtask subtask = new QuerySubtask(new Alone(), 1);
    Scorer<RowData> scorer = new Scorer<>(call, subtask, false, true, call.memory());
    scorer.open();
    OutputRows outputs = new OutputRows(call.resultType(), new int[] {0});
    coalescer =
        new Coalescer(scorer, subtask, outputs, delay, CoalescerTest.class.getClassLoader());
  }

  private void add(float value, CompletableFuture<Collection<RowData>> answer) {
    coalescer.add(GenericRowData.of(value), answer);
  }

  private CompletableFuture<Collection<RowData>> add(float value) {
    CompletableFuture<Collection<RowData>> answer = new CompletableFuture<>();
    add(value, answer);
    return answer;
  }

  private static void assertAnswered(
      CompletableFuture<Collection<RowData>> answer, double expected) {
    assertThat(answer)
        .succeedsWithin(SOON)
        .satisfies(rows -> assertThat(rows).containsExactly(GenericRowData.of(expected)));
  }

  private static void assertFailed(
      CompletableFuture<Collection<RowData>> answer, Class<? extends Throwable> as, String why) {
    assertThat(answer)
        .failsWithin(SOON)
        .withThrowableOfType(ExecutionException.class)
        .havingCause()
        .isInstanceOf(as)
        .withMessageContaining(why);
  }

  @Test
  void rowsAfterABatchThatFailedFailAtOnce() throws Exception {
    open(
        2,
        () -> {
          throw new IllegalStateException("no such device");
        });
    List<CompletableFuture<Collection<RowData>>> answers = List.of(add(1), add(2));
    for (CompletableFuture<Collection<RowData>> answer : answers) {
      assertFailed(answer, InterchangeException.class, "Cannot score batch 0 of scored (1/1)#0");
    }
    CompletableFuture<Collection<RowData>> late = add(3);
    assertThat(late).as("answered while it was added").isCompletedExceptionally();
    assertFailed(late, InterchangeException.class, "no such device");
  }

  @Test
  void aTaskWhoseBatchesAreAllFullWaitsAndGoesOn() throws Exception {
    Semaphore computing = new Semaphore(0);
    Semaphore mayCompute = new Semaphore(0);
    open(
        2,
        () -> {
          computing.release();
          mayCompute.acquireUninterruptibly();
        });
    List<CompletableFuture<Collection<RowData>>> answers = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      answers.add(add(i));
    }
    computing.acquire();
    CompletableFuture<Collection<RowData>> fifth = new CompletableFuture<>();
    Thread task = new Thread(() -> add(4, fifth));
    task.start();
    try {
      Cluster.await("the task waits", () -> task.getState() == Thread.State.WAITING);
      assertThat(answers).as("answers").noneMatch(CompletableFuture::isDone);
    } finally {
      mayCompute.release(5);
    }
    task.join();
    answers.add(fifth);
    for (int i = 0; i < 5; i++) {
      assertAnswered(answers.get(i), i);
    }
  }

  @Test
  void aFunctionThatLeavesItsThreadInterruptedFailsTheRowsBehind() throws Exception {
    open(2, () -> Thread.currentThread().interrupt());
    List<CompletableFuture<Collection<RowData>>> answers = List.of(add(1), add(2));
    assertAnswered(answers.get(0), 1);
    assertAnswered(answers.get(1), 2);
    assertFailed(
        add(3),
        InterchangeException.class,
        "Cannot score more rows: the function left its thread interrupted; let it answer");
  }

  /** What Flink does with an answer may fail for want of memory, on the engine's thread. */
  private static final class Refusing extends CompletableFuture<Collection<RowData>> {
    @Override
    public boolean complete(Collection<RowData> rows) {
      throw new OutOfMemoryError("no room for the answer");
    }
  }

  @Test
  void anAnswerThatFailsLeavesNoRowOfItsBatchUnanswered() throws Exception {
    open(3, () -> {});
    CompletableFuture<Collection<RowData>> first = add(1);
    CompletableFuture<Collection<RowData>> refusing = new Refusing();
    add(2, refusing);
    CompletableFuture<Collection<RowData>> last = add(3);
    assertAnswered(first, 1);
    assertFailed(refusing, OutOfMemoryError.class, "no room for the answer");
    assertFailed(last, OutOfMemoryError.class, "no room for the answer");
    assertFailed(add(4), OutOfMemoryError.class, "no room for the answer");
  }
}
