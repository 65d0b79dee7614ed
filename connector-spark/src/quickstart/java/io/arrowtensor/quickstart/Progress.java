package io.arrowtensor.quickstart;

import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerStageSubmitted;
import org.apache.spark.scheduler.SparkListenerTaskEnd;

/** Prints how far Spark is: a line for each tenth of a stage's tasks. */
final class Progress extends SparkListener {
  private int tasks = 1;
  private int done;
  private long rows;

  @Override
  public synchronized void onStageSubmitted(SparkListenerStageSubmitted stage) {
    tasks = Math.max(1, stage.stageInfo().numTasks());
    done = 0;
    rows = 0;
    System.out.println("scoring in " + tasks + " task(s) ...");
  }

  @Override
  public synchronized void onTaskEnd(SparkListenerTaskEnd end) {
    done++;
    if (end.taskMetrics() != null) {
      rows += end.taskMetrics().inputMetrics().recordsRead();
    }
    if (done == tasks || done % Math.max(1, tasks / 10) == 0) {
      System.out.printf("scored %,d rows, %d of %d task(s) done%n", rows, done, tasks);
    }
  }
}
