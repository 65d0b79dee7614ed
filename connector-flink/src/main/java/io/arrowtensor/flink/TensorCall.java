package io.arrowtensor.flink;

import io.arrowtensor.BatchFunction;
import io.arrowtensor.BatchSchema;
import io.arrowtensor.Nulls;
import io.arrowtensor.Options;
import io.arrowtensor.internal.KnownFile;
import java.io.Serializable;
import java.time.Duration;
import java.util.List;
import org.apache.flink.table.types.logical.RowType;

/**
 * What the client sends to the subtasks of one operator. Flink deserializes it for each, so each
 * has a function of its own.
 *
 * @param reader finds the arguments in the elements
 * @param options how arguments are converted
 * @param results what the function promised
 * @param whole whether the results of a batch are one element
 * @param files what it read to tell its results
 * @param maxRows rows of a full batch
 * @param inFlight batches that may wait for the function while another is gathered; 0 to compute on
 *     the task's thread
 * @param maxDelay how long a row waits for others
 * @param memory native bytes that a subtask may hold
 * @param managed whether they are Flink's managed memory, which a subtask reserves
 * @param memoryTimeout how long an allocation waits for some of it
 * @param deviceResource the external resource that names the device
 */
record TensorCall<T>(
    InputReader<T> reader,
    BatchFunction function,
    Options options,
    BatchSchema results,
    boolean whole,
    List<KnownFile> files,
    int maxRows,
    int inFlight,
    Duration maxDelay,
    long memory,
    boolean managed,
    Duration memoryTimeout,
    String deviceResource)
    implements Serializable {

  /**
   * A row of results.
   *
   * @throws io.arrowtensor.UnsupportedTypeException naming the first column that Flink has no type
   *     for
   */
  RowType resultType() {
    return ResultTypes.of(results, propagatesNulls() && reader.isNullable());
  }

  /** Whether a row of results is null where an argument is. */
  boolean propagatesNulls() {
    return options.nulls().equals(Nulls.PROPAGATE);
  }

  /** The call as errors and Flink's web UI name it. */
  String describe() {
    return describe(function, reader.arguments().stream().map(BatchSchema.Column::name).toList());
  }

  /** A function says itself what it is, or its class does. */
  static String describe(BatchFunction function, Iterable<String> arguments) {
    String text = function.toString();
    boolean says = !text.startsWith(function.getClass().getName() + "@");
    String name = says ? text : function.getClass().getSimpleName();
    return name + "(" + String.join(", ", arguments) + ")";
  }
}
