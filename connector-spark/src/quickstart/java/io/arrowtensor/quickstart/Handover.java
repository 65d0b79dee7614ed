package io.arrowtensor.quickstart;

import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.spark.sql.execution.QueryExecution;
import org.apache.spark.sql.execution.SparkPlan;
import org.apache.spark.sql.execution.adaptive.AdaptiveSparkPlanExec;
import org.apache.spark.sql.execution.adaptive.QueryStageExec;
import org.apache.spark.sql.util.QueryExecutionListener;
import scala.jdk.javaapi.CollectionConverters;

/** Reads the byte counts that Spark's SQL tab shows for the scoring operator. */
final class Handover implements QueryExecutionListener {
  private static final String COPIED = "copiedBytes.";

  private final TreeMap<String, Long> counts = new TreeMap<>();
  private final CountDownLatch seen = new CountDownLatch(1);

  @Override
  public void onSuccess(String action, QueryExecution query, long nanos) {
    add(query.executedPlan());
    seen.countDown();
  }

  @Override
  public void onFailure(String action, QueryExecution query, Exception failure) {
    seen.countDown();
  }

  private synchronized void add(SparkPlan plan) {
    CollectionConverters.asJava(plan.metrics())
        .forEach((name, metric) -> counts.merge(name, metric.value(), Long::sum));
    if (plan instanceof AdaptiveSparkPlanExec adaptive) {
      add(adaptive.executedPlan());
    } else if (plan instanceof QueryStageExec stage) {
      add(stage.plan());
    } else {
      CollectionConverters.asJava(plan.children()).forEach(this::add);
    }
  }

  /** Waits for Spark's report of the first query. */
  void await() throws InterruptedException {
    if (!seen.await(1, TimeUnit.MINUTES)) {
      throw new IllegalStateException("Spark did not report the end of the query within a minute");
    }
  }

  synchronized long zeroCopyBytes() {
    return counts.getOrDefault("zeroCopyBytes", 0L);
  }

  synchronized long decodedBytes() {
    return counts.getOrDefault("decodedBytes", 0L);
  }

  synchronized long copiedBytes() {
    return counts.entrySet().stream()
        .filter(count -> count.getKey().startsWith(COPIED))
        .mapToLong(count -> count.getValue())
        .sum();
  }

  /** One line for each way in which bytes reached the model, those of results included. */
  synchronized String table() {
    StringBuilder lines = new StringBuilder();
    lines.append(line("without copy, at the address where Spark holds them", zeroCopyBytes()));
    lines.append(line("decoded from Parquet dictionaries", decodedBytes()));
    counts.forEach(
        (name, bytes) -> {
          if (name.startsWith(COPIED) && bytes > 0) {
            lines.append(line("copied: " + name.substring(COPIED.length()), bytes));
          }
        });
    return lines.toString();
  }

  private static String line(String what, long bytes) {
    return String.format("  %,15d bytes %s%n", bytes, what);
  }
}
