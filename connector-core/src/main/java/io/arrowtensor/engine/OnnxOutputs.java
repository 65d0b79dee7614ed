package io.arrowtensor.engine;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import io.arrowtensor.BatchContext;
import io.arrowtensor.CopyReason;
import io.arrowtensor.DType;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;
import io.arrowtensor.Outcome;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.internal.BulkCopy;
import io.arrowtensor.internal.Closing;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * The results of one run. Outputs whose rows have a fixed shape are written by the engine straight
 * into result memory; the others are copied out of the engine's memory. Closed after the run; what
 * was not handed on is freed then.
 */
final class OnnxOutputs implements AutoCloseable {
  private final Signature signature;
  private final long rows;
  private final Options options;
  private final Map<String, DeviceArray> arrays = new LinkedHashMap<>();
  private final Map<String, OnnxTensor> pinned = new LinkedHashMap<>();

  private OnnxOutputs(Signature signature, long rows, Options options) {
    this.signature = signature;
    this.rows = rows;
    this.options = options;
  }

  /** Allocates the outputs that the engine can write to directly. */
  static OnnxOutputs allocate(Signature signature, long rows, BatchContext context)
      throws OrtException {
    Options options = Options.defaults().withAllocator(context.allocator());
    OnnxOutputs outputs = new OnnxOutputs(signature, rows, options);
    try {
      for (Port output : signature.outputs()) {
        if (output.hasStaticRows() && output.javaType() != null) {
          outputs.pin(output);
        }
      }
      return outputs;
    } catch (OrtException | RuntimeException | Error e) {
      Closing.quietly(e, List.of(outputs));
      throw e;
    }
  }

  private void pin(Port output) throws OrtException {
    DeviceArray array = allocateColumn(output, output.columnShape());
    arrays.put(output.name(), array);
    pinned.put(
        output.name(),
        OnnxTensor.createTensor(
            OrtEnvironment.getEnvironment(),
            array.byteBuffer(),
            withRows(output.rowShape()),
            Objects.requireNonNull(output.javaType())));
  }

  private DeviceArray allocateColumn(Port output, List<Long> rowShape) {
    DType dtype = Objects.requireNonNull(output.dtype());
    Memory memory = BulkCopy.allocate(dtype, withRows(rowShape), options);
    return DeviceArray.from(memory.withOutcome(Outcome.zeroCopy(memory.nbytes())));
  }

  private long[] withRows(List<Long> rowShape) {
    long[] shape = new long[rowShape.size() + 1];
    shape[0] = rows;
    for (int d = 0; d < rowShape.size(); d++) {
      shape[d + 1] = Math.max(0, rowShape.get(d));
    }
    return shape;
  }

  /** Outputs that the engine writes straight to, by name. */
  Map<String, OnnxTensor> pinned() {
    return pinned;
  }

  /** Names of the outputs that the engine allocates. */
  Set<String> requested() {
    Set<String> names = new LinkedHashSet<>();
    for (Port output : signature.outputs()) {
      if (!pinned.containsKey(output.name())) {
        names.add(output.name());
      }
    }
    return names;
  }

  /** The columns after a run. The caller closes them. */
  OwnedBatch columns(OrtSession.Result result) throws OrtException {
    requireRows(signature, result, rows);
    List<DeviceColumn> columns = new ArrayList<>();
    try {
      for (Port output : signature.outputs()) {
        DeviceArray array = arrays.remove(output.name());
        columns.add(
            array != null
                ? DeviceColumn.of(output.name(), array)
                : copied(output, (OnnxTensor) result.get(output.name()).orElseThrow()));
      }
    } catch (OrtException | RuntimeException | Error e) {
      Closing.quietly(e, columns);
      throw e;
    }
    return OwnedBatch.of(rows, columns);
  }

  /** The columns of a batch without rows, for which nothing runs. */
  OwnedBatch emptyColumns() {
    List<DeviceColumn> columns = new ArrayList<>();
    for (Port output : signature.outputs()) {
      DeviceArray array = arrays.remove(output.name());
      if (array != null) {
        columns.add(DeviceColumn.of(output.name(), array));
      } else if (output.isString()) {
        columns.add(OnnxStrings.empty(output.name(), options));
      } else {
        columns.add(DeviceColumn.of(output.name(), allocateColumn(output, output.columnShape())));
      }
    }
    return OwnedBatch.of(0, columns);
  }

  private DeviceColumn copied(Port output, OnnxTensor tensor) throws OrtException {
    if (output.isString()) {
      return OnnxStrings.column(output.name(), tensor, rows, options);
    }
    long[] shape = tensor.getInfo().getShape();
    Memory copy =
        BulkCopy.fromHeap(
            tensor.getByteBuffer().array(),
            Objects.requireNonNull(output.dtype()),
            output.columnShape().isEmpty() ? new long[] {shape[0]} : shape,
            options,
            CopyReason.ENGINE_OUTPUT);
    return DeviceColumn.of(output.name(), DeviceArray.from(copy));
  }

  /**
   * Checks that every output of {@code result} has a row for each row of the batch.
   *
   * @throws InterchangeException naming the first that has not
   */
  static void requireRows(Signature signature, OrtSession.Result result, long rows) {
    for (Port output : signature.outputs()) {
      OnnxValue value = result.get(output.name()).orElse(null);
      if (value instanceof OnnxTensor tensor) {
        long[] shape = tensor.getInfo().getShape();
        if (shape.length == 0 || shape[0] != rows) {
          throw new InterchangeException(
              "Cannot use output "
                  + output
                  + " of model "
                  + signature.model()
                  + ": it has the shape "
                  + Arrays.toString(shape)
                  + " for a batch of "
                  + rows
                  + " rows; the model must give one row for each row");
        }
      }
    }
  }

  /** Closes the tensors, and the memory of a run that failed. */
  @Override
  public void close() {
    List<AutoCloseable> all = new ArrayList<>(pinned.values());
    all.addAll(arrays.values());
    Closing.all(all);
  }
}
