package io.arrowtensor.flink;

import static org.apache.flink.table.api.config.ExecutionConfigOptions.TABLE_EXEC_ASYNC_ML_PREDICT_MAX_CONCURRENT_OPERATIONS;

import io.arrowtensor.BatchSchema;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.Options;
import io.arrowtensor.UnsupportedTypeException;
import io.arrowtensor.engine.OnnxFunction;
import io.arrowtensor.internal.RecordedFiles;
import java.time.Duration;
import java.util.List;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.catalog.ResolvedSchema;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.factories.ModelProviderFactory;
import org.apache.flink.table.runtime.typeutils.InternalTypeInfo;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.LogicalTypeFamily;
import org.apache.flink.table.types.logical.RowType;

/**
 * A model as {@code CREATE MODEL} declares it, while a query is planned.
 *
 * @param name in its catalog
 * @param input the declared columns
 * @param output the declared results
 * @param function scores with the model's file
 * @param options how columns are converted
 * @param maxRows rows of a full batch
 * @param maxDelay how long the first row of a batch may wait
 * @param session the settings of the query
 */
record DeclaredModel(
    String name,
    RowType input,
    RowType output,
    OnnxFunction function,
    Options options,
    int maxRows,
    Duration maxDelay,
    ReadableConfig session) {

  static DeclaredModel of(ModelProviderFactory.Context context, ReadableConfig options) {
    ReadableConfig session = context.getConfiguration();
    return new DeclaredModel(
        context.getObjectIdentifier().asSummaryString(),
        rowType(context.getCatalogModel().getResolvedInputSchema()),
        rowType(context.getCatalogModel().getResolvedOutputSchema()),
        ModelOptions.function(options),
        ModelOptions.conversion(options),
        ModelOptions.maxRows(options, session),
        ModelOptions.maxDelay(options, session),
        session);
  }

  private static RowType rowType(ResolvedSchema schema) {
    return (RowType) schema.toPhysicalRowDataType().getLogicalType();
  }

  /** Rows that the session lets one subtask have under way. */
  int operations() {
    return session.get(TABLE_EXEC_ASYNC_ML_PREDICT_MAX_CONCURRENT_OPERATIONS);
  }

  int slots() {
    return session.get(TaskManagerOptions.NUM_TASK_SLOTS);
  }

  /**
   * Checks that the file takes the declared columns and gives the declared results.
   *
   * @throws InterchangeException naming what does not fit, and the remedy
   */
  void require() {
    outputs(call(input, maxRows, 1));
  }

  /**
   * The call of the model with arguments of {@code types}, which Flink does not cast to the
   * declared ones.
   *
   * @param rows rows of a full batch
   * @param waiting batches that may wait for the model
   * @throws InterchangeException naming the column that does not fit
   */
  TensorCall<RowData> call(RowType types, int rows, int waiting) {
    types.getFields().forEach(field -> refuseTimes(field.getName(), field.getType()));
    InputReader<RowData> reader =
        ElementReaders.of(InternalTypeInfo.of(types), input.getFieldNames(), List.of(), options);
    RecordedFiles files = new RecordedFiles(JobFiles.INSTANCE);
    BatchSchema results = function.resultSchema(new BatchSchema(reader.arguments()), files);
    return new TensorCall<>(
        reader,
        function,
        options,
        results,
        false,
        files.known(),
        rows,
        waiting,
        maxDelay,
        session.get(TensorSettings.TASK_MEMORY).getBytes(),
        false,
        session.get(TensorSettings.MEMORY_TIMEOUT),
        session.get(TensorSettings.DEVICE_RESOURCE));
  }

  /** A day or an instant would be a number that nobody asked for. */
  private static void refuseTimes(String column, LogicalType type) {
    if (type.is(LogicalTypeFamily.DATETIME)) {
      throw new UnsupportedTypeException(
          "Cannot use INPUT column '"
              + column
              + "' of type "
              + type.asSummaryString()
              + ": declare the number that the model was trained on, and hand in one such as"
              + " UNIX_TIMESTAMP(...)");
    }
  }

  /**
   * Where the declared results are among those of {@code call}: by name, or by position when no
   * name is one of the model's.
   *
   * @throws InterchangeException naming the declared column that the model does not give
   */
  OutputRows outputs(TensorCall<?> call) {
    RowType given = call.resultType();
    List<String> names = given.getFieldNames();
    boolean byName = output.getFieldNames().stream().anyMatch(names::contains);
    if (!byName && output.getFieldCount() != given.getFieldCount()) {
      throw new InterchangeException(
          "Invalid OUTPUT "
              + output.getFieldNames()
              + ": the model gives "
              + given.getFieldCount()
              + " results, "
              + names
              + "; declare those that you want by name, or all in this order");
    }
    int[] positions = new int[output.getFieldCount()];
    for (int i = 0; i < positions.length; i++) {
      String name = output.getFieldNames().get(i);
      positions[i] = byName ? names.indexOf(name) : i;
      requireType(name, output.getTypeAt(i), given, positions[i]);
    }
    return new OutputRows(given, positions);
  }

  private static void requireType(String name, LogicalType declared, RowType given, int position) {
    if (position < 0) {
      throw new InterchangeException(
          "Invalid OUTPUT column '" + name + "': the model gives " + given.getFieldNames());
    }
    LogicalType type = given.getTypeAt(position);
    if (!OutputRows.fits(type, declared)) {
      throw new InterchangeException(
          "Invalid OUTPUT column '"
              + name
              + "' of type "
              + declared.asSummaryString()
              + ": the model's result '"
              + given.getFieldNames().get(position)
              + "' is "
              + type.asSummaryString()
              + "; declare that, and cast where you select it");
    }
  }

  /** What Flink's users see of a model that does not fit. */
  static ValidationException refusal(String name, InterchangeException e) {
    return new ValidationException("Cannot use model " + name + ": " + e.getMessage(), e);
  }
}
