package io.arrowtensor.engine;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import io.arrowtensor.BatchContext;
import io.arrowtensor.CopyReason;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.Options;
import io.arrowtensor.Outcome;
import io.arrowtensor.UnsupportedTypeException;
import io.arrowtensor.internal.BulkCopy;
import io.arrowtensor.internal.Closing;
import io.arrowtensor.internal.Element;
import io.arrowtensor.internal.Strided;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * The input tensors of one run: over the columns' own memory where type and layout fit, else over a
 * copy, and counted either way. Closed after the run.
 */
final class OnnxInputs implements AutoCloseable {
  /** ONNX Runtime's Java API keeps up to eight bytes free in its 2 GiB limit. */
  private static final long MAX_BYTES = Integer.MAX_VALUE - 64L;

  private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
  private final DeviceBatch batch;
  private final BatchContext context;
  private final Options options;
  private final Map<String, OnnxTensor> tensors = new LinkedHashMap<>();
  private final List<DeviceArray> copies = new ArrayList<>();

  private OnnxInputs(DeviceBatch batch, BatchContext context) {
    this.batch = batch;
    this.context = context;
    this.options = Options.defaults().withAllocator(context.allocator());
  }

  /** Makes a tensor for each of {@code feeds}. */
  static OnnxInputs of(List<Feed> feeds, DeviceBatch batch, BatchContext context)
      throws OrtException {
    OnnxInputs inputs = new OnnxInputs(batch, context);
    try {
      for (Feed feed : feeds) {
        inputs.tensors.put(feed.input().name(), inputs.tensor(feed));
      }
      return inputs;
    } catch (OrtException | RuntimeException | Error e) {
      Closing.quietly(e, List.of(inputs));
      throw e;
    }
  }

  /** The tensors by the inputs' names. */
  Map<String, OnnxTensor> tensors() {
    return tensors;
  }

  private OnnxTensor tensor(Feed feed) throws OrtException {
    Port input = feed.input();
    if (feed.isPacked()) {
      return tensor(input, packed(feed), batch.rowCount(), feed.columns().size());
    }
    DeviceColumn column = batch.column(feed.column());
    requirePlain(column);
    if (input.isString()) {
      return strings(input, column);
    }
    DeviceArray values = prepared(column, input);
    return tensor(input, values, shape(values, input));
  }

  /** A column's shape, or single numbers with as many dimensions as the input has. */
  private static long[] shape(DeviceArray values, Port input) {
    if (values.ndim() == input.shape().size()) {
      return values.shape();
    }
    long[] shape = new long[input.shape().size()];
    java.util.Arrays.fill(shape, 1);
    shape[0] = values.dim(0);
    return shape;
  }

  private OnnxTensor tensor(Port input, DeviceArray values, long... shape) throws OrtException {
    if (values.nbytes() > MAX_BYTES) {
      throw new InterchangeException(
          "Cannot hand "
              + values.nbytes()
              + " bytes to input "
              + input
              + ": ONNX Runtime's Java API takes at most 2 GiB; use smaller batches");
    }
    OnnxJavaType type = Objects.requireNonNull(input.javaType());
    return OnnxTensor.createTensor(environment, values.byteBuffer(), shape, type);
  }

  private static void requirePlain(DeviceColumn column) {
    if (column.dictionary() != null) {
      throw new UnsupportedTypeException(
          "Cannot score column '"
              + column.name()
              + "': its values are indices into a dictionary; look them up first");
    }
  }

  /** The column itself, or what it was cast or copied to. */
  private DeviceArray prepared(DeviceColumn column, Port input) {
    DeviceArray values = column.values();
    Element to = Element.of(Objects.requireNonNull(input.dtype()), "input " + input);
    if (values.dtype().equals(to.dtype())) {
      int width = to.width();
      if (values.isContiguous() && values.alignment() >= width) {
        context.count(values.outcome());
        return values;
      }
      return copied(
          values,
          values.isContiguous()
              ? DeviceArray.from(values, options.withAlignment(width))
              : values.contiguous(options));
    }
    if (values.isContiguous()) {
      return cast(values, column.name(), to);
    }
    countSource(values);
    try (DeviceArray dense = values.contiguous(options)) {
      return cast(dense, column.name(), to);
    }
  }

  private DeviceArray cast(DeviceArray dense, String name, Element to) {
    dense.requireHostContiguous("score");
    Strided source = strided(dense, name, 1);
    try {
      return copied(
          dense,
          DeviceArray.from(
              BulkCopy.pack(List.of(source), dense.size(), to, dense.shape(), options)));
    } catch (InterchangeException e) { // all values were one column, so what it names is a value
      long perRow = dense.size() / dense.dim(0);
      e.row().ifPresent(value -> e.atRow(value / perRow));
      throw e;
    }
  }

  private DeviceArray packed(Feed feed) {
    Element to = Element.of(Objects.requireNonNull(feed.input().dtype()), "input " + feed.input());
    List<Strided> sources = new ArrayList<>();
    for (int position : feed.columns()) {
      DeviceColumn column = batch.column(position);
      requirePlain(column);
      DeviceArray values = column.values();
      if (!values.device().type().isHostAccessible()) {
        values.requireHostContiguous("score");
      }
      sources.add(strided(values, column.name(), values.size() < 2 ? 1 : values.strides()[0]));
      countSource(values);
    }
    DeviceArray matrix =
        DeviceArray.from(
            BulkCopy.pack(
                sources,
                batch.rowCount(),
                to,
                new long[] {batch.rowCount(), sources.size()},
                options));
    copies.add(matrix);
    context.count(matrix.outcome());
    return matrix;
  }

  private static Strided strided(DeviceArray values, String name, long step) {
    String label = (values.ndim() > 1 ? "the values of column '" : "column '") + name + "'";
    Element element = Element.of(values.dtype(), label);
    return new Strided(values.address(), step * element.width(), element, label);
  }

  private DeviceArray copied(DeviceArray source, DeviceArray copy) {
    copies.add(copy);
    countSource(source);
    context.count(copy.outcome());
    return copy;
  }

  /** Of an array that the engine does not read itself, only what it took to make it counts. */
  private void countSource(DeviceArray source) {
    if (!source.outcome().isZeroCopy()) {
      context.count(source.outcome());
    }
  }

  private OnnxTensor strings(Port input, DeviceColumn column) throws OrtException {
    long bytes = column.values().nbytes();
    countSource(column.values());
    context.count(Outcome.copied(bytes, CopyReason.CAST));
    return OnnxStrings.tensor(column, onesAfter(column.rowCount(), input));
  }

  private static long[] onesAfter(long rows, Port input) {
    long[] shape = new long[input.shape().size()];
    java.util.Arrays.fill(shape, 1);
    shape[0] = rows;
    return shape;
  }

  /** Closes the tensors, then the copies under them. */
  @Override
  public void close() {
    List<AutoCloseable> all = new ArrayList<>(tensors.values());
    all.addAll(copies);
    Closing.all(all);
  }
}
