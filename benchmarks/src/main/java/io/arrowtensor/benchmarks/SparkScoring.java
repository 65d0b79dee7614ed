package io.arrowtensor.benchmarks;

import static org.apache.spark.sql.functions.broadcast;
import static org.apache.spark.sql.functions.call_udf;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.sum;

import ai.onnxruntime.OrtEnvironment;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.package$;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.api.java.UDF2;
import org.apache.spark.sql.types.DataTypes;

/**
 * Whole jobs: local Spark reads a Parquet table, scores it with an ONNX model and sums the scores,
 * through this library and as one writes it without. The ways take turns, one job each per round,
 * and must agree on the mean score to 1e-3. {@code benchmarks/run spark-scoring} runs it, in the
 * repository's root.
 */
public final class SparkScoring {
  private static final int WARM_UP = 2;
  private static final int ROUNDS = Integer.getInteger("rounds", 5);

  /** How often the table holds the flight records. */
  private static final int COPIES = Integer.getInteger("copies", 28);

  private static final Path TABLES = Path.of("benchmarks/target/spark-scoring").toAbsolutePath();
  private static final String FLIGHTS = "connector-spark/src/quickstart/data/flights.parquet";

  /** How the table gets through the model. */
  enum Way {
    /** {@code onnx_predict} on columns outside the Java heap. */
    OFF_HEAP_COLUMNS,
    /** {@code onnx_predict} on Spark's default columns. */
    ON_HEAP_COLUMNS,
    /** Typed {@code mapPartitions}, one run per 4096 rows. */
    BATCHED_ROWS,
    /** A Java UDF, one run per row; it takes so long that it gets two copies of the records. */
    ROW_BY_ROW
  }

  private final SparkSession spark;
  private final Model model;
  private final boolean dictionary;

  private SparkScoring(SparkSession spark, Model model, boolean dictionary) {
    this.spark = spark;
    this.model = model;
    this.dictionary = dictionary;
  }

  /** Measures all and writes the results to the file that the first argument names. */
  public static void main(String[] args) throws IOException {
    List<JobResult> results = new ArrayList<>();
    for (String master : List.of("local[1]", "local[2]")) {
      try (SparkSession spark =
          SparkSession.builder()
              .master(master)
              .config("spark.ui.enabled", false)
              .config("spark.sql.warehouse.dir", TABLES + "/warehouse")
              .getOrCreate()) {
        for (Model model : Model.values()) {
          results.addAll(new SparkScoring(spark, model, false).measure());
          results.addAll(new SparkScoring(spark, model, true).measure());
        }
      }
    }
    String with =
        "Spark %s, ONNX Runtime %s"
            .formatted(
                package$.MODULE$.SPARK_VERSION(), OrtEnvironment.getEnvironment().getVersion());
    JobResult.write(results, SparkScoring.class, with, Path.of(args[0]));
  }

  private List<JobResult> measure() throws IOException {
    // how pages are encoded makes no difference row by row
    Set<Way> ways =
        dictionary ? EnumSet.complementOf(EnumSet.of(Way.ROW_BY_ROW)) : EnumSet.allOf(Way.class);
    Map<Way, List<Double>> rates = new EnumMap<>(Way.class);
    double expected = Double.NaN;
    for (int round = -WARM_UP; round < ROUNDS; round++) {
      for (Way way : ways) {
        Dataset<Row> job = scores(way).toDF("score").agg(sum("score"), count("score"));
        long start = System.nanoTime();
        Row result = job.head();
        double seconds = (System.nanoTime() - start) / 1e9;
        double mean = result.getDouble(0) / result.getLong(1);
        expected = Double.isNaN(expected) ? mean : expected;
        if (!(Math.abs(mean - expected) <= 1e-3 * Math.abs(expected))) {
          throw new IllegalStateException(way + ": mean " + mean + ", expected " + expected);
        }
        if (round >= 0) {
          rates.computeIfAbsent(way, w -> new ArrayList<>()).add(result.getLong(1) / seconds);
        }
      }
    }
    List<JobResult> results = new ArrayList<>();
    rates.forEach(
        (way, values) -> results.add(new JobResult(name(way), params(), "rows/s", values)));
    results.forEach(System.out::println);
    return results;
  }

  private Map<String, String> params() {
    Map<String, String> params = new LinkedHashMap<>();
    params.put("model", name(model));
    params.put("pages", dictionary ? "dictionary" : "plain");
    params.put("master", spark.sparkContext().master());
    return params;
  }

  private static String name(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT);
  }

  private Dataset<?> scores(Way way) throws IOException {
    spark.conf().set("spark.sql.columnVector.offheap.enabled", way == Way.OFF_HEAP_COLUMNS);
    Dataset<Row> table =
        table(way == Way.ROW_BY_ROW ? 2 : COPIES)
            .select(col(model.first).as("first"), col(model.second).as("second"));
    Model scored = model;
    return switch (way) {
      case OFF_HEAP_COLUMNS, ON_HEAP_COLUMNS ->
          table.selectExpr(
              "onnx_predict('%s', first, second)".formatted(Path.of(model.file).toUri()));
      case BATCHED_ROWS ->
          table
              .as(Encoders.bean(HandWritten.Pair.class))
              .mapPartitions(
                  (MapPartitionsFunction<HandWritten.Pair, Float>)
                      rows -> new HandWritten.Batches(rows, scored),
                  Encoders.FLOAT());
      case ROW_BY_ROW -> {
        UDF2<Number, Number, Float> udf = (a, b) -> HandWritten.score(scored, a, b);
        spark.udf().register("score", udf, DataTypes.FloatType);
        yield table.select(call_udf("score", col("first"), col("second")));
      }
    };
  }

  /** Written at the first call. */
  private Dataset<Row> table(int copies) throws IOException {
    Path folder = TABLES.resolve((dictionary ? "dictionary-" : "plain-") + copies);
    if (!Files.exists(folder.resolve("_SUCCESS"))) {
      Dataset<Row> flights =
          spark
              .read()
              .parquet(FLIGHTS)
              .selectExpr("delay", "distance", "float(delay) AS a", "float(distance) AS b");
      spark
          .range(0, copies, 1, Math.min(copies, 4))
          .crossJoin(broadcast(flights))
          .drop("id")
          .write()
          .mode("overwrite")
          .option("parquet.enable.dictionary", dictionary)
          .parquet(folder.toString());
    }
    return spark.read().parquet(folder.toString());
  }
}
