package io.arrowtensor.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.BatchSchema;
import io.arrowtensor.BatchSchema.Column;
import io.arrowtensor.DType;
import io.arrowtensor.FileAccess;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.OwnedBatch;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tasks that share a model, and tasks that end early. */
class OnnxTaskTest {
  private final ExecutorService threads = Executors.newCachedThreadPool();

  @AfterEach
  void leavesNothingBehind() throws InterruptedException {
    threads.shutdown();
    assertThat(threads.awaitTermination(30, TimeUnit.SECONDS)).as("calls ended").isTrue();
    assertThat(SharedSession.openSessions()).as("sessions left open").isZero();
  }

  @Test
  void concurrentTasksLoadTheModelOnce() throws Exception {
    int count = 16;
    CyclicBarrier together = new CyclicBarrier(count);
    List<Future<Integer>> loads = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      loads.add(threads.submit(() -> loadsOfOneTask(together)));
    }
    int all = 0;
    for (Future<Integer> load : loads) {
      all += load.get();
    }
    assertThat(all).as("loads of %d concurrent tasks", count).isEqualTo(1);
  }

  private static int loadsOfOneTask(CyclicBarrier together) throws Exception {
    together.await();
    try (ScoringTask task = new ScoringTask();
        Scored scored =
            new Scored(task, "identity_float.onnx", Column.scalar("x", DType.FLOAT32))) {
      together.await();
      assertThat(SharedSession.openSessions()).isEqualTo(1);
      together.await();
      assertThat(scored.schema.columns()).hasSize(1);
      return task.modelLoads.get();
    }
  }

  @Test
  void theModelIsUnloadedWithItsLastTask() {
    Column x = Column.scalar("x", DType.FLOAT32);
    try (ScoringTask task = new ScoringTask();
        OwnedBatch batch = OwnedBatch.of(task.floats("x", 1))) {
      Scored first = new Scored(task, "identity_float.onnx", x);
      Scored second = new Scored(task, "identity_float.onnx", x);
      first.close();
      first.close();
      assertThat(SharedSession.openSessions()).as("the second task has it open").isEqualTo(1);
      second.apply(batch).close();
      second.close();
      assertThat(SharedSession.openSessions()).isZero();
      assertThat(task.modelLoads).as("loads").hasValue(1);
      new Scored(task, "identity_float.onnx", x).close();
      assertThat(task.modelLoads).as("loads after it was unloaded").hasValue(2);
    }
  }

  @Test
  void failedLoadIsNotKept(@TempDir Path folder) throws IOException {
    Path path = folder.resolve("model.onnx");
    Files.copy(Path.of(ScoringTask.model("identity_float.onnx")), path);
    OnnxFunction function = OnnxFunction.of(path.toUri());
    function.resultSchema(BatchSchema.of(Column.scalar("x", DType.FLOAT32)), FileAccess.LOCAL);
    byte[] model = Files.readAllBytes(path);
    Files.delete(path);
    try (ScoringTask task = new ScoringTask();
        OwnedBatch batch = OwnedBatch.of(task.floats("x", 4))) {
      assertThatThrownBy(() -> function.open(task))
          .isInstanceOf(InterchangeException.class)
          .hasMessageContaining("there is no file");
      assertThat(SharedSession.openSessions()).isZero();
      Files.write(path, model);
      function.open(task);
      try (OwnedBatch result = function.apply(batch)) {
        assertThat(Scored.numbers(result.column(0))).containsExactly(4);
      }
      function.close();
    }
  }

  @Test
  void cancelEndsARunningCall() throws Exception {
    try (ScoringTask task = new ScoringTask();
        OwnedBatch endless = OwnedBatch.of(task.longs("iterations", 1e12));
        OwnedBatch brief = OwnedBatch.of(task.longs("iterations", 1));
        Scored scored = new Scored(task, "slow.onnx", endless)) {
      Future<?> call = threads.submit(() -> scored.apply(endless));
      awaitRunning(scored);
      assertThat(call.isDone()).as("the model runs until it is stopped").isFalse();
      task.cancel();
      assertThat(failure(call))
          .isInstanceOf(InterchangeException.class)
          .hasMessage(
              "Stopped model "
                  + ScoringTask.model("slow.onnx")
                  + ": the task stage 1 partition 2 was cancelled");
      assertThatThrownBy(() -> scored.apply(brief))
          .as("the next batch of the cancelled task")
          .hasMessageContaining("was cancelled");
    }
  }

  @Test
  void taskThatIsCancelledAlreadyDoesNotRun() {
    try (ScoringTask task = new ScoringTask();
        OwnedBatch batch = OwnedBatch.of(task.longs("iterations", 1e12))) {
      task.cancel();
      try (Scored scored = new Scored(task, "slow.onnx", batch)) {
        assertThatThrownBy(() -> scored.apply(batch)).hasMessageContaining("was cancelled");
      }
    }
  }

  @Test
  void cancellingOneTaskLeavesTheOthersRunning() {
    try (ScoringTask cancelled = new ScoringTask();
        OwnedBatch batch = OwnedBatch.of(cancelled.longs("iterations", 3));
        Scored stopped = new Scored(cancelled, "slow.onnx", batch)) {
      try (ScoringTask task = new ScoringTask();
          Scored running = new Scored(task, "slow.onnx", batch)) {
        cancelled.cancel();
        assertThatThrownBy(() -> stopped.apply(batch)).hasMessageContaining("was cancelled");
        try (OwnedBatch result = running.apply(batch)) {
          assertThat(Scored.numbers(result.column("count"))).containsExactly(3);
        }
      }
    }
  }

  @Test
  void closeUnderACallStopsItAndFreesTheModelAfterIt() throws Exception {
    try (ScoringTask task = new ScoringTask();
        OwnedBatch endless = OwnedBatch.of(task.longs("iterations", 1e12))) {
      Scored scored = new Scored(task, "slow.onnx", endless);
      Future<?> call = threads.submit(() -> scored.apply(endless));
      awaitRunning(scored);
      scored.close();
      assertThat(failure(call)).isInstanceOf(InterchangeException.class);
      assertThat(SharedSession.openSessions()).isZero();
    }
  }

  /** A call counts as running once it has its result's memory, just before the model runs. */
  private static void awaitRunning(Scored scored) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (!scored.function.isRunning() && System.nanoTime() < deadline) {
      Thread.onSpinWait();
    }
    assertThat(scored.function.isRunning()).as("the call has begun").isTrue();
  }

  private static Throwable failure(Future<?> call) throws Exception {
    try {
      call.get(30, TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      return e.getCause();
    }
    throw new AssertionError("the call ended as if nothing had happened");
  }

  @Test
  void functionTravelsWithWhatTheDriverRead() throws Exception {
    URI model = ScoringTask.model("identity_float.onnx");
    OnnxFunction function = OnnxFunction.of(model);
    function.resultSchema(BatchSchema.of(Column.scalar("x", DType.FLOAT32)), FileAccess.LOCAL);
    OnnxFunction arrived = arrived(function);
    try (ScoringTask task = new ScoringTask();
        OwnedBatch batch = OwnedBatch.of(task.floats("x", 2))) {
      arrived.open(task);
      try (OwnedBatch result = arrived.apply(batch)) {
        assertThat(Scored.numbers(result.column("y"))).containsExactly(2);
      } finally {
        arrived.close();
      }
    }
    assertThat(arrived).hasToString("OnnxFunction(" + model + ")");
  }

  private static OnnxFunction arrived(OnnxFunction function)
      throws IOException, ClassNotFoundException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
      out.writeObject(function);
    }
    try (ObjectInputStream in =
        new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
      return (OnnxFunction) in.readObject();
    }
  }
}
