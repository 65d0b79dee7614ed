package io.arrowtensor.quickstart;

import ai.onnxruntime.OrtException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.stream.Collectors;
import org.apache.spark.sql.AnalysisException;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.SparkSession;
import scala.collection.Iterable;
import scala.jdk.javaapi.CollectionConverters;

/**
 * Reads a Parquet table in local Spark, scores it in SQL with an ONNX model, writes the scored
 * table, and proves the scores against ONNX Runtime alone. Exit code 2 when something that the user
 * named does not fit.
 */
public final class Quickstart {
  private static final int CHECKED_ROWS = 8192;

  private Quickstart() {}

  /** Runs with the system properties that {@link Arguments} lists. */
  public static void main(String[] args) throws Exception {
    System.setProperty(
        "log4j.configurationFile", System.getProperty("quickstart.home") + "/log4j2.properties");
    try {
      Arguments arguments = Arguments.read();
      try (SparkSession spark = session()) {
        run(spark, arguments);
      }
    } catch (UserError | AnalysisException e) {
      System.err.println(e.getMessage());
      System.exit(2);
    }
  }

  /** Parquet columns outside the Java heap are what makes the handover free of copies. */
  private static SparkSession session() {
    return SparkSession.builder()
        .master("local[*]")
        .appName("quickstart")
        .config("spark.memory.offHeap.enabled", true)
        .config("spark.memory.offHeap.size", "512m")
        .config("spark.ui.enabled", false)
        .config("spark.sql.warehouse.dir", System.getProperty("quickstart.target") + "/warehouse")
        .getOrCreate();
  }

  private static void run(SparkSession spark, Arguments arguments) throws Exception {
    Handover handover = new Handover();
    Dataset<Row> table = spark.read().parquet(arguments.input().toString());
    requireColumns(table, arguments.columns());
    table.createOrReplaceTempView("input");
    String call =
        "onnx_predict('"
            + arguments.model().toUri()
            + "', "
            + arguments.columns().stream()
                .map(name -> "`" + name + "`")
                .collect(Collectors.joining(", "))
            + ")";
    System.out.println("SELECT *, " + call + " AS score FROM input");
    Dataset<Row> scored = spark.sql("SELECT *, " + call + " AS score FROM input");
    Progress progress = new Progress();
    spark.sparkContext().addSparkListener(progress);
    spark.listenerManager().register(handover);
    long start = System.nanoTime();
    scored.write().mode(SaveMode.Overwrite).parquet(arguments.output().toString());
    double seconds = (System.nanoTime() - start) / 1e9;
    handover.await();
    spark.listenerManager().unregister(handover);
    spark.sparkContext().removeSparkListener(progress);

    Dataset<Row> written = spark.read().parquet(arguments.output().toString());
    written.show(10);
    System.out.println("scored table: " + arguments.output());
    System.out.println("how the columns reached the model:");
    System.out.print(handover.table());
    long rows = written.count();
    System.out.printf(
        "quickstart: rows=%d rowsPerSecond=%d zeroCopyBytes=%d decodedBytes=%d copiedBytes=%d scored=%d%n",
        rows,
        Math.round(rows / seconds),
        handover.zeroCopyBytes(),
        handover.decodedBytes(),
        handover.copiedBytes(),
        agreeing(written, arguments));
  }

  private static void requireColumns(Dataset<Row> table, List<String> columns) {
    List<String> known = Arrays.asList(table.columns());
    for (String column : columns) {
      if (!known.contains(column)) {
        throw new UserError(
            "Cannot find column '"
                + column
                + "' in the table, which has "
                + known
                + ": name the model's arguments with -Dcolumns=a,b.");
      }
    }
  }

  private static long agreeing(Dataset<Row> written, Arguments arguments) throws OrtException {
    long agreeing = 0;
    try (PlainRun<Row> plain =
        new PlainRun<>(
            arguments.model(),
            arguments.columns(),
            (row, column) -> row.getAs(column),
            row -> asJava(row.getAs("score")))) {
      Iterator<Row> rows = written.toLocalIterator();
      List<Row> some = new ArrayList<>();
      while (rows.hasNext()) {
        some.add(rows.next());
        if (some.size() == CHECKED_ROWS || !rows.hasNext()) {
          agreeing += plain.agreeing(some);
          some.clear();
        }
      }
    }
    return agreeing;
  }

  private static Object asJava(Object value) {
    if (value instanceof Row row) {
      return asJava(row.toSeq());
    }
    if (value instanceof Iterable<?> elements) {
      List<Object> all = new ArrayList<>();
      CollectionConverters.asJava(elements).forEach(element -> all.add(asJava(element)));
      return all;
    }
    return value;
  }
}
