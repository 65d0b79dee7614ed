package io.arrowtensor.benchmarks.flink;

import com.sun.management.OperatingSystemMXBean;
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
   * What time is: {@code wall}, or on a machine that has other work the processor time of the
   * task's {@code thread}, or of all threads of the {@code process} where some compute beside the
   * task's.
   */
  private static final String CLOCK = System.getProperty("clock", "wall");

  private Meter() {}

  private static long now() {
    return switch (CLOCK) {
      case "wall" -> System.nanoTime();
      case "thread" -> ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
      case "process" ->
          ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
              .getProcessCpuTime();
      default -> throw new IllegalArgumentException("Unknown clock " + CLOCK);
    };
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
