package io.arrowtensor.flink;

import java.util.concurrent.RejectedExecutionException;
import org.apache.flink.api.common.operators.MailboxExecutor;
import org.jspecify.annotations.Nullable;

/** The thread on which a function computes while its task gathers the next batch. */
final class Engine implements AutoCloseable {
  private final EngineThread thread;
  private final MailboxExecutor mailbox;

  /**
   * @param classes what the function loads classes with
   * @param mailbox brings results back to the task's thread
   */
  Engine(String task, ClassLoader classes, MailboxExecutor mailbox) {
    this.mailbox = mailbox;
    this.thread = new EngineThread(task, classes);
  }

  /**
   * What the task does with a batch that comes back, {@code failure} null for one that is computed.
   */
  interface Answer {
    void accept(@Nullable Throwable failure) throws Exception;
  }

  /**
   * Runs {@code work} here, after all that was submitted before, then {@code answer} on the task's
   * thread.
   */
  void submit(Runnable work, Answer answer) {
    thread.execute(
        () -> {
          Throwable failure = null;
          try {
            work.run();
          } catch (Throwable e) {
            failure = e;
          }
          handBack(answer, failure);
        });
  }

  private void handBack(Answer answer, @Nullable Throwable failure) {
    try {
      mailbox.execute(() -> answer.accept(failure), "results of a batch");
    } catch (RejectedExecutionException ended) {
      // The task has ended; it frees the results with the batch that holds them.
    }
  }

  /** Waits until the function computes no more, as long as it takes: its memory is freed next. */
  @Override
  public void close() {
    thread.close();
  }
}
