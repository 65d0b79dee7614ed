package io.arrowtensor.quickstart;

import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.flink.api.common.functions.JoinFunction;
import org.apache.flink.table.catalog.ResolvedSchema;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.types.logical.BigIntType;
import org.apache.flink.table.types.logical.BooleanType;
import org.apache.flink.table.types.logical.DoubleType;
import org.apache.flink.table.types.logical.FloatType;
import org.apache.flink.table.types.logical.IntType;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.types.Row;

/** The model's answer to a record: a number, or several. Puts it behind the record's own fields. */
final class ModelOutputs implements JoinFunction<Row, RowData, Row> {
  private static final long serialVersionUID = 1;
  private static final Map<OnnxJavaType, LogicalType> TYPES =
      Map.of(
          OnnxJavaType.BOOL, new BooleanType(),
          OnnxJavaType.INT32, new IntType(),
          OnnxJavaType.INT64, new BigIntType(),
          OnnxJavaType.FLOAT, new FloatType(),
          OnnxJavaType.DOUBLE, new DoubleType());

  private final ArrayList<String> names = new ArrayList<>();
  private final ArrayList<LogicalType> types = new ArrayList<>();
  private RowData.FieldGetter[] getters = {};

  private ModelOutputs() {}

  /** Reads them from an ONNX file. */
  static ModelOutputs of(Path model) {
    ModelOutputs outputs = new ModelOutputs();
    try (OrtSession session = OrtEnvironment.getEnvironment().createSession(model.toString())) {
      for (NodeInfo output : session.getOutputInfo().values()) {
        outputs.add(output);
      }
    } catch (OrtException e) {
      throw new UserError("Cannot load the model " + model + ": " + e.getMessage() + ".");
    }
    return outputs;
  }

  private void add(NodeInfo output) {
    boolean number =
        output.getInfo() instanceof TensorInfo tensor
            && TYPES.containsKey(tensor.type)
            && Arrays.stream(tensor.getShape()).skip(1).allMatch(size -> size == 1);
    if (!number) {
      throw new UserError(
          "Cannot show the model's output "
              + output
              + ": this example is about one number a row; pass such a model with -Dmodel=PATH.");
    }
    names.add(output.getName());
    types.add(TYPES.get(((TensorInfo) output.getInfo()).type));
    getters = Arrays.copyOf(getters, getters.length + 1);
    int last = getters.length - 1;
    getters[last] = RowData.createFieldGetter(types.get(last), last);
  }

  List<String> names() {
    return names;
  }

  /** The {@code CREATE MODEL} statement for arguments of a table. */
  String create(ResolvedSchema table, Arguments arguments) {
    String inputs =
        arguments.columns().stream()
            .map(name -> InputTable.quoted(List.of(name)) + " " + type(table, name))
            .collect(Collectors.joining(", "));
    List<String> outputs = new ArrayList<>();
    for (int i = 0; i < names.size(); i++) {
      outputs.add(InputTable.quoted(List.of(names.get(i))) + " " + types.get(i).asSummaryString());
    }
    return "CREATE MODEL model INPUT (%s) OUTPUT (%s) WITH ('provider' = 'tensor', 'model' = '%s')"
        .formatted(inputs, String.join(", ", outputs), InputTable.uri(arguments.model()));
  }

  private static String type(ResolvedSchema table, String column) {
    return table.getColumn(column).orElseThrow().getDataType().getLogicalType().asSummaryString();
  }

  @Override
  public Row join(Row record, RowData answer) {
    Row joined = Row.withNames();
    for (String field : record.getFieldNames(true)) {
      joined.setField(field, record.getField(field));
    }
    for (int i = 0; i < getters.length; i++) {
      joined.setField(names.get(i), getters[i].getFieldOrNull(answer));
    }
    return joined;
  }

  /** The answer that stands in a row. */
  List<Object> of(Row row) {
    return names.stream().map(row::getField).toList();
  }
}
