package io.arrowtensor.spark;

import io.arrowtensor.Options;
import java.io.IOException;
import java.nio.file.Path;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/**
 * Scores a table on executors that are processes of their own, as Spark's standalone cluster starts
 * them, and prints what they found. Each has a GPU, says a script.
 */
final class ClusterJob {
  private static final int ROWS = 10_000;

  private ClusterJob() {}

  /**
   * Runs the job.
   *
   * @param args a script that prints the GPUs of a machine as Spark wants them
   */
  public static void main(String[] args) throws IOException {
    try (SparkSession spark = start(Path.of(args[0]))) {
      Dataset<Row> table = spark.range(0, ROWS, 1, 4).selectExpr("id", "id * 0.5D as b");
      Dataset<Row> scored = Tensors.map(table, new Whereabouts(), Options.defaults(), "id", "b");
      scored
          .selectExpr("y = id * 1.5D as right", "executor", "gpu")
          .groupBy("right", "executor", "gpu")
          .count()
          .collectAsList()
          .forEach(row -> System.out.println("found " + row));
    }
  }

  private static SparkSession start(Path gpus) {
    return SparkSession.builder()
        .master("local-cluster[2,1,1024]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.cores.max", "2") // until both are there, no task starts
        .config("spark.scheduler.minRegisteredResourcesRatio", "1")
        .config("spark.scheduler.maxRegisteredResourcesWaitingTime", "200s")
        .config("spark.executor.extraClassPath", System.getProperty("java.class.path"))
        .config("spark.executor.memory", "512m")
        .config("spark.worker.resource.gpu.amount", "1")
        .config("spark.worker.resource.gpu.discoveryScript", gpus.toString())
        .config("spark.executor.resource.gpu.amount", "1")
        .config("spark.task.resource.gpu.amount", "1")
        .getOrCreate();
  }
}
