package io.arrowtensor.benchmarks.flink;

import io.arrowtensor.benchmarks.HandWritten;
import io.arrowtensor.benchmarks.Model;
import io.arrowtensor.engine.OnnxFunction;
import io.arrowtensor.flink.TensorStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.data.RowData;

/** Scoring with a model in ONNX Runtime: one run per row in a map, and through the operator. */
final class ModelWays {
  private static final TypeInformation<Flight> FLIGHTS = TypeInformation.of(Flight.class);

  /** Whole batches, so that sums of fewer rows have the same mean. */
  static final long ROWS = 1024 * Long.getLong("modelBatches", 2048);

  private static final long ROWS_ONE_BY_ONE = ROWS / 16;

  private ModelWays() {}

  /** The ways with {@code model}. */
  static List<Way> of(Model model) {
    Map<String, String> params = Map.of("model", model.name().toLowerCase(java.util.Locale.ROOT));
    return List.of(
        new Way(
            "onnx_map_row_by_row",
            params,
            ROWS_ONE_BY_ONE,
            environment ->
                flights(environment, ROWS_ONE_BY_ONE)
                    .map(row -> HandWritten.score(model, row.first(model), row.second(model)))
                    .returns(Float.class)
                    .sinkTo(new SumSink<>((total, score) -> total.add(score)))),
        new Way(
            "onnx_operator_row_results",
            params,
            ROWS,
            environment ->
                TensorStream.of(flights(environment, ROWS))
                    .columns(model.first, model.second)
                    .map(function(model))
                    .sinkTo(new SumSink<RowData>((total, row) -> total.add(row.getFloat(0))))));
  }

  /** The function that scores with {@code model}. */
  static OnnxFunction function(Model model) {
    return OnnxFunction.of(Path.of(model.file).toUri());
  }

  private static DataStream<Flight> flights(StreamExecutionEnvironment environment, long rows) {
    return RepeatedRows.stream(environment, Flight.prepared(), rows, FLIGHTS);
  }
}
