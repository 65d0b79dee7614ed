package io.arrowtensor.quickstart;

import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import java.lang.reflect.Array;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.function.Function;

/**
 * ONNX Runtime as its documentation shows it, without this library: Java arrays in, Java arrays
 * out. What the scored table must agree with.
 *
 * @param <R> a row of that table
 */
final class PlainRun<R> implements AutoCloseable {
  private static final double TOLERANCE = 1e-6;

  private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
  private final OrtSession session;
  private final List<String> columns;
  private final BiFunction<R, String, ?> argument;
  private final Function<R, ?> score;

  /**
   * @param columns the model's arguments
   * @param argument gives a column's value in a row
   * @param score gives what stands in a row as the model's answer: a value, or values nested in
   *     lists and arrays
   */
  PlainRun(
      Path model, List<String> columns, BiFunction<R, String, ?> argument, Function<R, ?> score)
      throws OrtException {
    this.session = environment.createSession(model.toString());
    this.columns = columns;
    this.argument = argument;
    this.score = score;
  }

  /** How many of {@code rows} hold what the model gives for their columns. */
  int agreeing(List<R> rows) throws OrtException {
    Map<String, OnnxTensor> inputs = inputs(rows);
    try (OrtSession.Result result = session.run(inputs)) {
      List<Object> outputs = new ArrayList<>();
      for (Map.Entry<String, OnnxValue> output : result) {
        outputs.add(output.getValue().getValue());
      }
      int agreeing = 0;
      for (int i = 0; i < rows.size(); i++) {
        List<Object> expected = new ArrayList<>();
        for (Object output : outputs) {
          flatten(Array.get(output, i), expected);
        }
        List<Object> actual = new ArrayList<>();
        flatten(score.apply(rows.get(i)), actual);
        agreeing += same(expected, actual) ? 1 : 0;
      }
      return agreeing;
    } finally {
      inputs.values().forEach(OnnxTensor::close);
    }
  }

  private Map<String, OnnxTensor> inputs(List<R> rows) throws OrtException {
    Map<String, NodeInfo> infos = session.getInputInfo();
    Map<String, OnnxTensor> inputs = new HashMap<>();
    if (infos.size() == 1 && columns.size() > 1) {
      NodeInfo info = infos.values().iterator().next();
      inputs.put(info.getName(), matrix(rows, ((TensorInfo) info.getInfo()).type));
      return inputs;
    }
    boolean named = columns.containsAll(infos.keySet());
    int position = 0;
    for (NodeInfo info : infos.values()) {
      TensorInfo tensor = (TensorInfo) info.getInfo();
      String column = named ? info.getName() : columns.get(position);
      Object values = values(rows, column, tensor.type);
      boolean twoDimensional = tensor.getShape().length == 2;
      inputs.put(
          info.getName(),
          OnnxTensor.createTensor(environment, twoDimensional ? column2d(values) : values));
      position++;
    }
    return inputs;
  }

  private OnnxTensor matrix(List<R> rows, OnnxJavaType type) throws OrtException {
    Object matrix = Array.newInstance(type.clazz, rows.size(), columns.size());
    for (int c = 0; c < columns.size(); c++) {
      Object values = values(rows, columns.get(c), type);
      for (int i = 0; i < rows.size(); i++) {
        Array.set(Array.get(matrix, i), c, Array.get(values, i));
      }
    }
    return OnnxTensor.createTensor(environment, matrix);
  }

  private static Object column2d(Object values) {
    int rows = Array.getLength(values);
    Object matrix = Array.newInstance(values.getClass().getComponentType(), rows, 1);
    for (int i = 0; i < rows; i++) {
      Array.set(Array.get(matrix, i), 0, Array.get(values, i));
    }
    return matrix;
  }

  private Object values(List<R> rows, String column, OnnxJavaType type) {
    Object values = Array.newInstance(type.clazz, rows.size());
    for (int i = 0; i < rows.size(); i++) {
      Object value = argument.apply(rows.get(i), column);
      Array.set(values, i, value instanceof Number number ? convert(number, type) : value);
    }
    return values;
  }

  private static Object convert(Number value, OnnxJavaType type) {
    return switch (type) {
      case FLOAT -> value.floatValue();
      case DOUBLE -> value.doubleValue();
      case INT8 -> value.byteValue();
      case INT16 -> value.shortValue();
      case INT32 -> value.intValue();
      case INT64 -> value.longValue();
      default -> value;
    };
  }

  private static void flatten(Object value, List<Object> into) {
    if (value instanceof Iterable<?> elements) {
      elements.forEach(element -> flatten(element, into));
    } else if (value.getClass().isArray()) {
      for (int i = 0; i < Array.getLength(value); i++) {
        flatten(Array.get(value, i), into);
      }
    } else {
      into.add(value);
    }
  }

  private static boolean same(List<Object> expected, List<Object> actual) {
    boolean same = expected.size() == actual.size();
    for (int i = 0; same && i < expected.size(); i++) {
      same =
          (expected.get(i) instanceof Number a && actual.get(i) instanceof Number b)
              ? Math.abs(a.doubleValue() - b.doubleValue()) <= TOLERANCE
              : expected.get(i).equals(actual.get(i));
    }
    return same;
  }

  @Override
  public void close() throws OrtException {
    session.close();
  }
}
