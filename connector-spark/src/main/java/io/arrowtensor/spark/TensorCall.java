package io.arrowtensor.spark;

import java.util.List;
import java.util.Objects;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.Unevaluable;
import org.apache.spark.sql.catalyst.expressions.codegen.CodegenContext;
import org.apache.spark.sql.catalyst.expressions.codegen.ExprCode;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.StructType;
import scala.collection.immutable.IndexedSeq;
import scala.collection.immutable.Seq;

/**
 * A call of a batch function in a query. To Spark an expression like any other, so that pruning,
 * push-down, self-joins and views work as for its own; it has no value row by row, {@link
 * ExtractTensorCalls} moves it into a {@link MapTensors} below the operator that uses it.
 *
 * <p>One result column makes it a scalar of that type, several a struct.
 */
final class TensorCall extends Expression implements Unevaluable {
  private static final long serialVersionUID = 1;

  private final TensorFunction function;
  private final Signature signature;
  private final Seq<Expression> children;

  private TensorCall(TensorFunction function, Signature signature, Seq<Expression> children) {
    this.function = function;
    this.signature = signature;
    this.children = children;
  }

  /**
   * The call with resolved arguments.
   *
   * <p>Throws Spark's AnalysisException when the function refuses the arguments.
   */
  static TensorCall of(TensorFunction function, Seq<Expression> children) {
    return new TensorCall(function, Signature.of(function, Seqs.list(children)), children);
  }

  TensorFunction function() {
    return function;
  }

  Signature signature() {
    return signature;
  }

  TensorCall withArguments(List<? extends Expression> replacements) {
    return new TensorCall(function, signature, Seqs.of(replacements));
  }

  @Override
  public Seq<Expression> children() {
    return children;
  }

  @Override
  public TensorCall withNewChildrenInternal(IndexedSeq<Expression> replacements) {
    return new TensorCall(function, signature, replacements);
  }

  @Override
  public DataType dataType() {
    StructType results = signature.results();
    return results.length() == 1 ? results.fields()[0].dataType() : results;
  }

  @Override
  public boolean nullable() {
    StructType results = signature.results();
    return results.length() == 1 && results.fields()[0].nullable();
  }

  @Override
  public boolean foldable() {
    return false;
  }

  @Override
  public Object eval(InternalRow row) {
    throw notExtracted();
  }

  @Override
  public ExprCode doGenCode(CodegenContext context, ExprCode code) {
    throw notExtracted();
  }

  private RuntimeException notExtracted() {
    return Refusals.analysis(
        "Cannot evaluate "
            + this
            + " row by row: it runs on whole columns; compute it as a column of a subquery or DataFrame"
            + " first and refer to that column here");
  }

  @Override
  public String prettyName() {
    return function.name();
  }

  @Override
  public String nodeName() {
    return function.name();
  }

  @Override
  public String toString() {
    return function.name() + children.mkString("(", ", ", ")");
  }

  @Override
  public int productArity() {
    return 3;
  }

  @Override
  public Object productElement(int n) {
    return switch (n) {
      case 0 -> function;
      case 1 -> signature;
      case 2 -> children;
      default -> throw new IndexOutOfBoundsException(n);
    };
  }

  @Override
  @SuppressWarnings("unchecked") // Spark passes back what productElement gave, transformed
  public Expression makeCopy(Object[] elements) {
    return new TensorCall(
        (TensorFunction) elements[0], (Signature) elements[1], (Seq<Expression>) elements[2]);
  }

  @Override
  public boolean canEqual(Object other) {
    return other instanceof TensorCall;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof TensorCall that
        && function.equals(that.function)
        && signature.sameAs(that.signature)
        && children.equals(that.children);
  }

  @Override
  public int hashCode() {
    return Objects.hash(function.name(), children);
  }
}
