package io.arrowtensor.engine;

import io.arrowtensor.BatchSchema;
import io.arrowtensor.ColumnKind;
import io.arrowtensor.DType;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.UnsupportedTypeException;
import io.arrowtensor.internal.Element;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;

/**
 * Which columns go to which input. One matrix input takes all columns packed in the order given;
 * several inputs take one column each, by name when the names are the same, else by position.
 */
final class Binding {
  private final Signature signature;
  private final BatchSchema columns;

  private Binding(Signature signature, BatchSchema columns) {
    this.signature = signature;
    this.columns = columns;
  }

  /**
   * Binds {@code columns} to the inputs of a model.
   *
   * @throws InterchangeException naming model, input and column that do not fit, and the remedy
   */
  static List<Feed> of(Signature signature, BatchSchema columns) {
    List<Feed> feeds = new Binding(signature, columns).feeds();
    return List.copyOf(feeds);
  }

  private List<Feed> feeds() {
    List<Port> inputs = signature.inputs();
    if (inputs.size() == 1 && inputs.get(0).shape().size() == 2 && columns.columns().size() != 1) {
      return List.of(packed(inputs.get(0)));
    }
    if (inputs.size() != columns.columns().size()) {
      throw refusal(
          "it takes "
              + inputs.size()
              + (inputs.size() == 1 ? " column" : " columns")
              + " for its inputs "
              + inputs
              + ", but got "
              + columns.columns()
              + "; name one column per input");
    }
    boolean byName = isByName(inputs);
    return IntStream.range(0, inputs.size())
        .mapToObj(i -> single(inputs.get(i), byName ? position(inputs.get(i).name()) : i))
        .toList();
  }

  private Feed packed(Port input) {
    long width = input.shape().get(1);
    if (columns.columns().isEmpty() || (width >= 0 && columns.columns().size() != width)) {
      throw refusal(
          "its input "
              + input
              + " takes "
              + (width < 0 ? "at least one column" : width + " columns")
              + ", but got "
              + columns.columns()
              + "; name them in the order of the model's features");
    }
    for (BatchSchema.Column column : columns.columns()) {
      requireElement(input, column);
      if (!column.rowShape().isEmpty() || input.isString()) {
        throw refusal(
            "its input "
                + input
                + " is packed of columns of single numbers, but got column '"
                + column
                + "'; hand in one column with all features, or one number per column");
      }
    }
    return new Feed(input, IntStream.range(0, columns.columns().size()).boxed().toList());
  }

  private boolean isByName(List<Port> inputs) {
    List<String> names = columns.columns().stream().map(BatchSchema.Column::name).toList();
    List<String> wanted = inputs.stream().map(Port::name).toList();
    if (names.containsAll(wanted)) {
      return true;
    }
    for (int i = 0; i < names.size(); i++) {
      if (wanted.contains(names.get(i)) && !wanted.get(i).equals(names.get(i))) {
        throw refusal(
            "column '"
                + names.get(i)
                + "' would go to input "
                + inputs.get(i)
                + " by its position, but has the name of another one; name all columns as the"
                + " inputs "
                + wanted
                + ", or none");
      }
    }
    return false;
  }

  private int position(String name) {
    return columns.columns().indexOf(columns.column(name));
  }

  private Feed single(Port input, int position) {
    BatchSchema.Column column = columns.columns().get(position);
    requireElement(input, column);
    if (!fits(column.rowShape(), input.rowShape())) {
      throw refusal(
          "its input "
              + input
              + " does not take rows of the shape of column '"
              + column
              + "'; hand in rows of shape "
              + input.rowShape().toString().replace("-1", "?"));
    }
    return new Feed(input, List.of(position));
  }

  /** Same dimensions, or single numbers however many dimensions of 1 are written around them. */
  private static boolean fits(List<Long> rows, List<Long> wanted) {
    if (rows.size() != wanted.size()) {
      return isScalar(rows) && isScalar(wanted);
    }
    return IntStream.range(0, rows.size())
        .allMatch(
            d ->
                rows.get(d) < 0 || wanted.get(d) < 0 || Objects.equals(rows.get(d), wanted.get(d)));
  }

  private static boolean isScalar(List<Long> dims) {
    return dims.stream().allMatch(dim -> dim == 1 || dim < 0);
  }

  private void requireElement(Port input, BatchSchema.Column column) {
    boolean string = column.kind() == ColumnKind.STRING;
    if (string && input.isString()) {
      return;
    }
    if (string || input.isString() || column.kind() != ColumnKind.ARRAY) {
      throw refusal(
          "its input "
              + input
              + " cannot be made of column '"
              + column
              + "'; "
              + (string
                  ? "hand in a number, such as an index of the string"
                  : input.isString() ? "cast the column to string" : "hand in a fixed-size array"));
    }
    requireCast(input, column);
  }

  private void requireCast(Port input, BatchSchema.Column column) {
    DType wanted = Objects.requireNonNull(input.dtype());
    Element to = Element.of(wanted, "input " + input);
    Element from = Element.find(column.dtype());
    if (from == null || !to.castsFrom(from)) {
      throw refusal(
          "its input "
              + input
              + " cannot be made of column '"
              + column
              + "': there is no cast from "
              + column.dtype()
              + " to "
              + wanted
              + "; cast the column first");
    }
  }

  private UnsupportedTypeException refusal(String why) {
    return new UnsupportedTypeException(
        "Cannot score with model " + signature.model() + ": " + why);
  }
}
