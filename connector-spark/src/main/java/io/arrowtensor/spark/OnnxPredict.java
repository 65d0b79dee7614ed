package io.arrowtensor.spark;

import io.arrowtensor.Nulls;
import io.arrowtensor.Options;
import io.arrowtensor.Storage;
import io.arrowtensor.engine.OnnxFunction;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.List;
import org.apache.spark.sql.catalyst.FunctionIdentifier;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.ExpressionInfo;
import org.apache.spark.sql.types.DatetimeType;
import org.apache.spark.sql.types.StringType;
import scala.Function1;
import scala.Tuple3;
import scala.collection.immutable.Seq;

/** The SQL function {@code onnx_predict('URI', columns...)}: null in, null out. */
final class OnnxPredict {
  static final String NAME = "onnx_predict";
  private static final Options OPTIONS =
      Options.defaults().withNulls(Nulls.PROPAGATE).withStorage(Storage.AS_BYTES);

  private OnnxPredict() {}

  static Tuple3<FunctionIdentifier, ExpressionInfo, Function1<Seq<Expression>, Expression>>
      description() {
    ExpressionInfo info =
        new ExpressionInfo(
            OnnxFunction.class.getName(),
            "",
            NAME,
            "_FUNC_(uri, columns...) - Scores the columns with the ONNX model at uri.",
            "",
            "",
            "",
            "misc_funcs",
            "",
            "",
            "built-in");
    return new Tuple3<>(new FunctionIdentifier(NAME), info, OnnxPredict::call);
  }

  private static Expression call(Seq<Expression> written) {
    List<Expression> arguments = Seqs.list(written);
    if (arguments.isEmpty()) {
      throw Refusals.analysis(
          "Cannot call onnx_predict(): write onnx_predict('URI of the model', column, ...)");
    }
    URI model = model(arguments.get(0));
    List<Expression> columns = arguments.subList(1, arguments.size());
    columns.forEach(OnnxPredict::refuseTimes);
    TensorFunction function = new TensorFunction(NAME, model, OnnxFunction.of(model), OPTIONS);
    return TensorCall.of(function, Seqs.of(columns));
  }

  /** Text goes to models that take it; a day or an instant would be a number nobody asked for. */
  private static void refuseTimes(Expression column) {
    if (column.dataType() instanceof DatetimeType) {
      throw Refusals.analysis(
          "Cannot call onnx_predict: "
              + column.sql()
              + " is of type "
              + column.dataType().simpleString()
              + "; cast it to the number that the model was trained on, such as unix_seconds(...)");
    }
  }

  private static URI model(Expression argument) {
    boolean constant = argument.foldable() && argument.dataType() instanceof StringType;
    Object text = constant ? argument.eval(null) : null;
    if (text == null) {
      throw Refusals.analysis(
          "Cannot call onnx_predict: its first argument is "
              + argument.sql()
              + ", expected the model's URI as a string literal such as 'hdfs:///models/m.onnx'");
    }
    try {
      return new URI(text.toString());
    } catch (URISyntaxException e) {
      throw Refusals.analysis(
          "Cannot call onnx_predict: '" + text + "' is not a URI; write spaces as %20", e);
    }
  }
}
