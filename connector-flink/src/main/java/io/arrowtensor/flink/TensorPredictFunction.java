package io.arrowtensor.flink;

import io.arrowtensor.InterchangeException;
import io.arrowtensor.internal.Closing;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.functions.AsyncPredictFunction;
import org.apache.flink.table.functions.FunctionContext;
import org.apache.flink.table.functions.SpecializedFunction;
import org.apache.flink.table.functions.UserDefinedFunction;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.RowType;
import org.jspecify.annotations.Nullable;

/**
 * The function behind {@code ML_PREDICT}; public because Flink's generated code calls it. The
 * planner makes it, Flink opens, calls and closes it on the task's thread. Flink's operator keeps
 * the rows under way in its state, so that none is lost or scored twice after a failure.
 */
public final class TensorPredictFunction extends AsyncPredictFunction
    implements SpecializedFunction {
  private static final long serialVersionUID = 1;

  /** Beyond these the engine has work enough, and the task waits. */
  private static final int MAX_WAITING = 4;

  private final transient @Nullable DeclaredModel model;
  private final int rows;
  private final int waiting;
  private final int slots;
  private final @Nullable TensorCall<RowData> call;
  private final @Nullable OutputRows outputs;
  private transient @Nullable Coalescer coalescer;

  /** A function of which the types of the arguments are not known yet. */
  TensorPredictFunction(DeclaredModel model, int rows, int operations) {
    this.model = model;
    this.rows = rows;
    this.waiting = Math.min(MAX_WAITING, operations / rows);
    this.slots = model.slots();
    this.call = null;
    this.outputs = null;
  }

  private TensorPredictFunction(
      TensorPredictFunction general, TensorCall<RowData> call, OutputRows outputs) {
    this.model = null;
    this.rows = general.rows;
    this.waiting = general.waiting;
    this.slots = general.slots;
    this.call = call;
    this.outputs = outputs;
  }

  /** This function for the arguments of a query: Flink does not cast them to the declared types. */
  @Override
  public UserDefinedFunction specialize(SpecializedContext context) {
    DeclaredModel declared = Objects.requireNonNull(model);
    List<DataType> arguments = context.getCallContext().getArgumentDataTypes();
    RowType types =
        RowType.of(
            arguments.stream().map(DataType::getLogicalType).toArray(LogicalType[]::new),
            declared.input().getFieldNames().toArray(new String[0]));
    try {
      TensorCall<RowData> bound = declared.call(types, rows, waiting);
      return new TensorPredictFunction(this, bound, declared.outputs(bound));
    } catch (InterchangeException e) {
      throw DeclaredModel.refusal(declared.name(), e);
    }
  }

  @Override
  public void open(FunctionContext context) throws Exception {
    QuerySubtask subtask = new QuerySubtask(context, slots);
    TensorCall<RowData> bound = Objects.requireNonNull(call);
    Scorer<RowData> scorer = new Scorer<>(bound, subtask, false, true, bound.memory());
    try {
      scorer.open();
      coalescer =
          new Coalescer(
              scorer,
              subtask,
              Objects.requireNonNull(outputs),
              bound.maxDelay(),
              context.getUserCodeClassLoader());
    } catch (Exception | Error e) {
      Closing.quietly(e, List.of(scorer));
      throw e;
    }
  }

  /** Answers {@code future} itself: one that waits for another costs as much as the row. */
  @Override
  public void eval(CompletableFuture<Collection<RowData>> future, Object... arguments) {
    Objects.requireNonNull(coalescer).add(GenericRowData.of(arguments), future);
  }

  @Override
  public CompletableFuture<Collection<RowData>> asyncPredict(RowData row) {
    CompletableFuture<Collection<RowData>> answer = new CompletableFuture<>();
    Objects.requireNonNull(coalescer).add(row, answer);
    return answer;
  }

  /** Ends a call of the model that is under way, waits for it and frees all memory. */
  @Override
  public void close() {
    Coalescer opened = coalescer;
    coalescer = null;
    if (opened != null) {
      opened.close();
    }
    JobLoader.letGo(); // Flink gives functions of queries no hook for the end of the job
  }
}
