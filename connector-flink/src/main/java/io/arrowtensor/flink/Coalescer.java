package io.arrowtensor.flink;

import io.arrowtensor.InterchangeException;
import io.arrowtensor.internal.Closing;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.apache.arrow.memory.OutOfMemoryException;
import org.apache.flink.table.data.RowData;
import org.jspecify.annotations.Nullable;

/**
 * Makes batches of rows that come one by one. The task's thread adds rows, a thread of its own
 * scores them and answers.
 *
 * <p>A batch goes to the engine when it is full. When the engine has nothing to do, a batch that is
 * not full goes as soon as rows pause, or its first row has waited for the longest delay: Flink
 * hands a function no timer, no barrier and no end of input, and rows that may be waited for keep
 * Flink from sending more.
 */
final class Coalescer implements AutoCloseable {
  /** What counts as a pause: this fraction of the longest delay without a row. */
  private static final int PAUSES_PER_DELAY = 10;

  private final Scorer<RowData> scorer;
  private final QuerySubtask subtask;
  private final OutputRows outputs;
  private final long delay;
  private final EngineThread thread;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final Deque<PredictionBatch> free = new ArrayDeque<>();
  private final Deque<PredictionBatch> full = new ArrayDeque<>();
  private @Nullable PredictionBatch filling;
  private long firstRowTime;
  private @Nullable PredictionBatch computing;
  private boolean closed;
  private @Nullable Throwable failure;

  /** Takes over {@code scorer}, which is open, and starts. */
  Coalescer(
      Scorer<RowData> scorer,
      QuerySubtask subtask,
      OutputRows outputs,
      Duration delay,
      ClassLoader classes) {
    this.scorer = scorer;
    this.subtask = subtask;
    this.outputs = outputs;
    this.delay = delay.toNanos();
    scorer.memory().forEach(memory -> free.add(new PredictionBatch(memory)));
    this.thread = new EngineThread(subtask.info().getTaskNameWithSubtasks(), classes);
    thread.execute(this::scoreUntilClosed);
  }

  /**
   * Copies {@code row}, and waits for memory while the engine has plenty to do; the task's thread.
   *
   * @param answer gets the row of results, or the error of its batch
   */
  void add(RowData row, CompletableFuture<Collection<RowData>> answer) {
    Throwable refusal = null;
    lock.lock();
    try {
      PredictionBatch batch = awaitSpace();
      if (batch == null) {
        refusal = Objects.requireNonNull(failure);
      } else {
        batch.add(row, answer);
        tell(batch);
      }
    } catch (InterchangeException | OutOfMemoryException e) {
      PredictionBatch batch = Objects.requireNonNull(filling);
      refusal = scorer.unreadable(e, batch.memory().input());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      refusal = e;
    } finally {
      lock.unlock();
    }
    if (refusal != null) {
      answer.completeExceptionally(refusal);
    }
  }

  /** Wakes the engine for a batch that is full, and for one that may become due. */
  private void tell(PredictionBatch batch) {
    if (batch.isFull()) {
      full.addLast(gathered(batch));
      countQueue();
      changed.signalAll();
    } else if (batch.rows() == 1) {
      firstRowTime = System.nanoTime();
      changed.signalAll();
    }
  }

  /** The batch that is gathered, null after a failure. */
  private @Nullable PredictionBatch awaitSpace() throws InterruptedException {
    while (failure == null) {
      if (filling == null) {
        filling = free.pollFirst();
      }
      if (filling != null) {
        return filling;
      }
      changed.await();
    }
    return null;
  }

  private PredictionBatch gathered(PredictionBatch batch) {
    filling = null;
    scorer.number(batch.memory());
    return batch;
  }

  private void countQueue() {
    scorer.metrics().setQueueDepth(full.size() + (computing == null ? 0 : 1));
  }

  private void scoreUntilClosed() {
    try {
      for (PredictionBatch batch = next(); batch != null; batch = next()) {
        score(batch);
      }
    } catch (InterruptedException e) {
      // Closed, and nobody waits for rows; or the function left the flag behind, and the task does.
      fail(
          new InterchangeException(
              "Cannot score more rows: the function left its thread interrupted; let it answer"
                  + " interrupts with an exception, or clear the flag",
              e));
    } catch (Throwable e) {
      fail(e);
    }
  }

  /** Waits for a batch that is due, null when this is closed. */
  private @Nullable PredictionBatch next() throws InterruptedException {
    lock.lockInterruptibly();
    try {
      int seen = 0;
      while (!closed) {
        PredictionBatch batch = full.pollFirst();
        if (batch != null) {
          return begin(batch, FlushCause.SIZE);
        }
        batch = filling;
        if (batch == null || batch.rows() == 0) {
          changed.await();
        } else if (batch.rows() == seen || System.nanoTime() - firstRowTime >= delay) {
          FlushCause cause = batch.rows() == seen ? FlushCause.IDLE : FlushCause.TIME;
          return begin(gathered(batch), cause);
        } else {
          seen = batch.rows();
          long unused = changed.awaitNanos(delay / PAUSES_PER_DELAY);
        }
      }
      return null;
    } finally {
      lock.unlock();
    }
  }

  private PredictionBatch begin(PredictionBatch batch, FlushCause cause) {
    batch.memory().setCause(cause);
    computing = batch;
    countQueue();
    return batch;
  }

  private void score(PredictionBatch batch) {
    scorer.score(batch.memory());
    List<RowData> results = batch.results(outputs);
    scorer.metrics().addBatch(results.size(), batch.memory().cause());
    List<CompletableFuture<Collection<RowData>>> answers;
    lock.lock();
    try {
      answers = batch.clear();
      computing = null;
      free.addLast(batch);
      countQueue();
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    answer(answers, results);
  }

  /** None is left without an answer, whatever happens: Flink would wait for it. */
  private static void answer(
      List<CompletableFuture<Collection<RowData>>> answers, List<RowData> results) {
    int answered = 0;
    try {
      for (; answered < results.size(); answered++) {
        answers.get(answered).complete(List.of(results.get(answered)));
      }
    } catch (RuntimeException | Error e) {
      answers.subList(answered, answers.size()).forEach(left -> left.completeExceptionally(e));
      throw e;
    }
  }

  /** Answers all rows, and those that still come, with {@code e}; a closed task asks no more. */
  private void fail(Throwable e) {
    List<CompletableFuture<Collection<RowData>>> answers = new ArrayList<>();
    lock.lock();
    try {
      failure = e;
      List<@Nullable PredictionBatch> batches = new ArrayList<>(full);
      batches.add(0, computing);
      batches.add(filling);
      for (PredictionBatch batch : batches) {
        if (batch != null && !closed) {
          answers.addAll(batch.clear());
        }
      }
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    answers.forEach(answer -> answer.completeExceptionally(e));
  }

  /** Ends what is computed, waits for it, closes the function and frees all memory. */
  @Override
  public void close() {
    boolean rowsLeft;
    lock.lock();
    try {
      closed = true;
      rowsLeft = computing != null || !full.isEmpty() || (filling != null && filling.rows() > 0);
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    List<AutoCloseable> all = new ArrayList<>();
    if (rowsLeft) {
      all.add(subtask::cancel);
    }
    all.add(thread);
    all.add(scorer);
    Closing.all(all);
  }
}
