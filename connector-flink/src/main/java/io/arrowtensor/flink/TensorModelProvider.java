package io.arrowtensor.flink;

import static org.apache.flink.table.api.config.ExecutionConfigOptions.TABLE_EXEC_ASYNC_ML_PREDICT_MAX_CONCURRENT_OPERATIONS;
import static org.apache.flink.table.api.config.MLPredictRuntimeConfigOptions.ASYNC_MAX_CONCURRENT_OPERATIONS;

import org.apache.flink.table.functions.AsyncPredictFunction;
import org.apache.flink.table.ml.AsyncPredictRuntimeProvider;
import org.apache.flink.table.ml.ModelProvider;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A model in a query. Asynchronous only: a synchronous function is handed one row at a time and has
 * to answer it before it gets the next, so it could not make batches.
 */
record TensorModelProvider(DeclaredModel model) implements AsyncPredictRuntimeProvider {
  private static final Logger LOG = LoggerFactory.getLogger(TensorModelProvider.class);

  /**
   * A function that makes batches of at most half of the operations that Flink lets it have under
   * way, so that one batch can be gathered while another is computed.
   */
  @Override
  public AsyncPredictFunction createAsyncPredictFunction(ModelProvider.Context context) {
    int operations =
        context
            .runtimeConfig()
            .getOptional(ASYNC_MAX_CONCURRENT_OPERATIONS)
            .orElse(model.operations());
    int rows = Math.min(model.maxRows(), Math.max(1, operations / 2));
    if (rows < model.maxRows()) {
      LOG.warn(tooFewOperations(rows, operations));
    }
    return new TensorPredictFunction(model, rows, operations);
  }

  String tooFewOperations(int rows, int operations) {
    return "ML_PREDICT scores model "
        + model.name()
        + " in batches of "
        + rows
        + " rows instead of "
        + model.maxRows()
        + ", because only "
        + operations
        + " rows may be under way at once: raise "
        + TABLE_EXEC_ASYNC_ML_PREDICT_MAX_CONCURRENT_OPERATIONS.key()
        + ", or MAP['"
        + ASYNC_MAX_CONCURRENT_OPERATIONS.key()
        + "', '...'] of the call, to "
        + 2L * model.maxRows();
  }

  @Override
  public ModelProvider copy() {
    return new TensorModelProvider(model);
  }
}
