package io.arrowtensor.spark;

import static org.assertj.core.api.Assertions.assertThat;

import io.arrowtensor.internal.NativeBytes;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
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
            "if(id % 10 = 3, null, cast(id % 11 as double)) as n")
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

  /** What this library and Spark's Arrow hold outside the heap. */
  static void assertNothingHeld() {
    TaskMemory.sweep();
    assertThat(NativeBytes.held()).as("native bytes held").isZero();
    assertThat(ArrowUtils.rootAllocator().getAllocatedMemory()).as("Arrow's bytes").isZero();
  }
}
