package io.arrowtensor.spark;

import static org.assertj.core.api.Assertions.assertThat;

import io.arrowtensor.internal.NativeBytes;
import io.arrowtensor.internal.TaskAllocators;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.execution.SparkPlan;
import org.apache.spark.sql.execution.adaptive.AdaptiveSparkPlanExec;
import org.apache.spark.sql.execution.adaptive.QueryStageExec;
import org.apache.spark.sql.util.ArrowUtils;

/** One local Spark for all tests of a JVM, and a table to score. */
final class Local {
  static final int ROWS = 20_000;
  static final Path FOLDER = temporaryFolder();
  static final SparkSession SPARK = start();

  private Local() {}

  private static Path temporaryFolder() {
    try {
      Path folder = Files.createTempDirectory("arrow-tensor-spark-tests");
      Runtime.getRuntime().addShutdownHook(new Thread(() -> delete(folder)));
      return folder;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void delete(Path folder) {
    org.apache.commons.io.FileUtils.deleteQuietly(folder.toFile());
  }

  private static SparkSession start() {
    SparkSession spark =
        SparkSession.builder()
            .master("local[2]")
            .config("spark.ui.enabled", "false")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.sql.shuffle.partitions", "3")
            .config("spark.sql.warehouse.dir", FOLDER.resolve("warehouse").toString())
            .getOrCreate();
    spark.sparkContext().setLogLevel("ERROR");
    spark
        .range(0, ROWS, 1, 2)
        .selectExpr(
            "id",
            "cast(id % 97 as float) as a",
            "id * 0.5D as b",
            "cast(id % 7 as int) as k",
            "concat('s', id % 3) as s",
            "if(id % 10 = 3, null, cast(id % 11 as double)) as n",
            "array(cast(id as float), cast(id + 1 as float), cast(id + 2 as float)) as v")
        .write()
        .option("parquet.enable.dictionary", "false")
        .parquet(file("table"));
    spark.read().parquet(file("table")).createOrReplaceTempView("t");
    Tensors.register(spark, "score", new Sum());
    Tensors.register(spark, "pair", new SumAndProduct());
    return spark;
  }

  static String file(String name) {
    return FOLDER.resolve(name).toString();
  }

  /** Runs {@code body} with settings of the session, which are put back. */
  static void with(List<String> settings, Runnable body) {
    for (int i = 0; i < settings.size(); i += 2) {
      SPARK.conf().set(settings.get(i), settings.get(i + 1));
    }
    try {
      body.run();
    } finally {
      for (int i = 0; i < settings.size(); i += 2) {
        SPARK.conf().unset(settings.get(i));
      }
    }
  }

  static List<Row> rows(String sql) {
    return SPARK.sql(sql).collectAsList();
  }

  static String plan(Dataset<Row> table) {
    return table.queryExecution().executedPlan().toString();
  }

  static String plan(String sql) {
    return plan(SPARK.sql(sql));
  }

  /** The operators of ours in a plan that has run, also below its finished stages. */
  static List<MapTensorsExec> operators(Dataset<Row> table) {
    List<MapTensorsExec> found = new ArrayList<>();
    collect(table.queryExecution().executedPlan(), found);
    return found;
  }

  private static void collect(SparkPlan plan, List<MapTensorsExec> found) {
    if (plan instanceof MapTensorsExec map) {
      found.add(map);
    }
    if (plan instanceof AdaptiveSparkPlanExec adaptive) {
      collect(adaptive.executedPlan(), found);
    } else if (plan instanceof QueryStageExec stage) {
      collect(stage.plan(), found);
    }
    Seqs.list(plan.children()).forEach(child -> collect(child, found));
  }

  /** The sum of one metric over all operators of ours in {@code table}. */
  static long metric(Dataset<Row> table, String name) {
    return operators(table).stream().mapToLong(o -> o.metrics().apply(name).value()).sum();
  }

  /**
   * What this library and Spark's Arrow hold outside the heap, once the tasks of a job that failed
   * have ended too: Spark reports the failure of the first one while others still run.
   */
  static void assertNothingHeld() {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    do {
      TaskAllocators.sweep();
      LockSupport.parkNanos(100_000);
    } while (isSomethingHeld() && System.nanoTime() < deadline);
    assertThat(NativeBytes.held()).as("native bytes held").isZero();
    assertThat(ArrowUtils.rootAllocator().getAllocatedMemory()).as("Arrow's bytes").isZero();
  }

  private static boolean isSomethingHeld() {
    return NativeBytes.held() != 0 || ArrowUtils.rootAllocator().getAllocatedMemory() != 0;
  }
}
