package io.arrowtensor.flink;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/** The thread on which the function of a subtask computes, when that is not the task's. */
final class EngineThread implements AutoCloseable {
  private final ExecutorService thread;

  /**
   * @param classes what the function loads classes with
   */
  EngineThread(String task, ClassLoader classes) {
    this.thread =
        Executors.newSingleThreadExecutor(
            work -> {
              Thread made = new Thread(work, "tensor engine of " + task);
              made.setContextClassLoader(classes);
              made.setDaemon(true);
              return made;
            });
  }

  /** Runs {@code work} here, after all that was handed in before. */
  void execute(Runnable work) {
    thread.execute(work);
  }

  /** Waits until the function computes no more, as long as it takes: its memory is freed next. */
  @Override
  public void close() {
    thread.shutdownNow();
    boolean interrupted = false;
    boolean ended = false;
    while (!ended) {
      try {
        ended = thread.awaitTermination(1, TimeUnit.DAYS);
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
