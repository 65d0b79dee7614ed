package io.arrowtensor.benchmarks.flink;

import java.lang.management.ManagementFactory;

/**
 * What the job that runs in this process is measured by: from its source's first element, when its
 * sink is opened where that is later to come, or in SQL the first result, until its sink has seen
 * the last. One job at a time, all of it in one task.
 */
final class Meter {
  private static long start;
  private static long end;
  private static long rows;
  private static double sum;

  /**
   * Whether to count the processor time of the task's thread instead, on a machine that has other
   * work: right for jobs that compute nothing on other threads.
   */
  private static final boolean PROCESSOR_TIME = "processor".equals(System.getProperty("clock"));

  private Meter() {}

  private static long now() {
    return PROCESSOR_TIME
        ? ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime()
        : System.nanoTime();
  }

  /** A job begins; the last call counts. */
  static synchronized void start() {
    start = now();
  }

  /** The sink has seen all. */
  static synchronized void end(long counted, double total) {
    end = now();
    rows = counted;
    sum = total;
  }

  /** Results that the sink got. */
  static synchronized long rows() {
    return rows;
  }

  /** Their sum. */
  static synchronized double sum() {
    return sum;
  }

  static synchronized double seconds() {
    return (end - start) / 1e9;
  }
}
