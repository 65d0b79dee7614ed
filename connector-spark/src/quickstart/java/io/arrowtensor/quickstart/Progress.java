package io.arrowtensor.quickstart;

import java.util.concurrent.atomic.AtomicLong;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerStageSubmitted;
import org.apache.spark.scheduler.SparkListenerTaskEnd;

/** Prints how far Spark is, a line for each stage and each tenth of its tasks. */
final class Progress extends SparkListener {
  private final AtomicLong rows = new AtomicLong();
  private int tasks = 1;
  private int done;

  @Override
  public synchronized void onStageSubmitted(SparkListenerStageSubmitted stage) {
    tasks = Math.max(1, stage.stageInfo().numTasks());
    done = 0;
    System.out.println("  stage " + stage.stageInfo().stageId() + ": " + tasks + " task(s)");
  }

  @Override
  public synchronized void onTaskEnd(SparkListenerTaskEnd end) {
    done++;
    if (end.taskMetrics() != null) {
      rows.addAndGet(end.taskMetrics().inputMetrics().recordsRead());
    }
    if (done == tasks || done % Math.max(1, tasks / 10) == 0) {
      System.out.printf("  %d of %d task(s) done, %,d rows read%n", done, tasks, rows.get());
    }
  }
}
