package io.arrowtensor.benchmarks.flink;

import ai.onnxruntime.OrtEnvironment;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.benchmarks.JobResult;
import io.arrowtensor.benchmarks.Model;
import io.arrowtensor.flink.TensorStream;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.runtime.util.EnvironmentInformation;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.data.RowData;

/**
 * What gathering rows in batches costs: jobs that add eight floats of each row and then all sums,
 * by a map a row and through the operator. The ways take turns and must agree on the sum. {@code
 * benchmarks/run flink-scoring} runs it, in the repository's root.
 */
public final class FlinkScoring {
  private static final long ROWS = Long.getLong("rows", 5_000_000);

  /** Rows of a full batch: the default, and enough that its fixed costs do not count. */
  private static final int[] BATCHES = {1024, 8192};

  private FlinkScoring() {}

  /** Measures all and writes the results to the file that the first argument names. */
  public static void main(String[] args) throws Exception {
    List<Way> ways = new ArrayList<>();
    add(ways, "generic", Features.generic(), Features.rowType(), FlinkScoring::sum);
    add(ways, "binary", Features.binary(), Features.rowType(), FlinkScoring::sum);
    add(ways, "pojo", Features.objects(), TypeInformation.of(Features.class), FlinkScoring::sum);
    try (Rounds rounds = new Rounds()) {
      List<JobResult> results = new ArrayList<>(rounds.measure(ways));
      for (Model model : Model.values()) {
        List<Way> scores = new ArrayList<>(ModelWays.of(model));
        scores.addAll(SqlWays.of(model));
        results.addAll(rounds.measure(scores));
      }
      String with =
          "Flink %s, ONNX Runtime %s"
              .formatted(
                  EnvironmentInformation.getVersion(),
                  OrtEnvironment.getEnvironment().getVersion());
      JobResult.write(results, FlinkScoring.class, with, Path.of(args[0]));
    }
  }

  private static <T> void add(
      List<Way> ways,
      String rows,
      T[] prepared,
      TypeInformation<T> type,
      MapFunction<T, Float> sum) {
    Map<String, String> params = Map.of("rows", rows);
    ways.add(
        new Way(
            "map_row_by_row",
            params,
            ROWS,
            environment ->
                source(environment, prepared, type)
                    .map(sum)
                    .returns(Float.class)
                    .sinkTo(new SumSink<>((total, value) -> total.add(value)))));
    for (int batch : BATCHES) {
      addOperator(ways, rows, batch, environment -> source(environment, prepared, type));
    }
  }

  private static <T> void addOperator(List<Way> ways, String rows, int batch, Input<T> input) {
    Map<String, String> params = new LinkedHashMap<>();
    params.put("rows", rows);
    params.put("batch", Integer.toString(batch));
    ways.add(
        new Way(
            "operator_row_results",
            params,
            ROWS,
            environment ->
                TensorStream.of(input.in(environment))
                    .columns(Features.NAMES)
                    .maxRows(batch)
                    .map(new RowSums())
                    .sinkTo(new SumSink<RowData>((total, row) -> total.add(row.getFloat(0))))));
    ways.add(
        new Way(
            "operator_batch_results",
            params,
            ROWS,
            environment ->
                TensorStream.of(input.in(environment))
                    .columns(Features.NAMES)
                    .maxRows(batch)
                    .mapBatches(new RowSums())
                    .sinkTo(new SumSink<>(FlinkScoring::add))));
  }

  /** What a job reads. */
  @FunctionalInterface
  private interface Input<T> {
    DataStream<T> in(StreamExecutionEnvironment environment);
  }

  /** The results of a batch at once, as whoever takes batches does. */
  static void add(SumSink.Total total, OwnedBatch batch) {
    try (batch) {
      FloatBuffer sums = batch.column(0).array().byteBuffer().asFloatBuffer();
      for (int row = 0; row < sums.limit(); row++) {
        total.add(sums.get(row));
      }
    }
  }

  private static <T> DataStream<T> source(
      StreamExecutionEnvironment environment, T[] prepared, TypeInformation<T> type) {
    return RepeatedRows.stream(environment, prepared, ROWS, type);
  }

  static float sum(RowData row) {
    return row.getFloat(0)
        + row.getFloat(1)
        + row.getFloat(2)
        + row.getFloat(3)
        + row.getFloat(4)
        + row.getFloat(5)
        + row.getFloat(6)
        + row.getFloat(7);
  }

  private static float sum(Features row) {
    return row.f0 + row.f1 + row.f2 + row.f3 + row.f4 + row.f5 + row.f6 + row.f7;
  }
}
