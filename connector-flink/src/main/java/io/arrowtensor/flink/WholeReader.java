package io.arrowtensor.flink;

import io.arrowtensor.BatchSchema;
import io.arrowtensor.BatchSchema.Column;
import io.arrowtensor.ColumnKind;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.Options;
import io.arrowtensor.OwnedBatch;
import io.arrowtensor.Storage;
import io.arrowtensor.UnsupportedTypeException;
import java.util.List;

/**
 * Hands elements that are batches to the function as they are.
 *
 * @param selected the columns of each element that are arguments, as its type has them
 * @param arguments the same under the options, as the function gets them
 * @param kept the columns that are passed on
 * @param isGivenAway whether a source keeps none of the elements that it emits
 */
record WholeReader(
    List<Column> selected, List<Column> arguments, List<Column> kept, boolean isGivenAway)
    implements InputReader<OwnedBatch> {

  /**
   * A reader of {@code names}.
   *
   * @throws InterchangeException naming what is not there, or cannot be handed out
   */
  static WholeReader of(
      BatchTypeInfo type, List<String> names, List<String> kept, Options options) {
    BatchSchema schema =
        type.schema()
            .orElseThrow(
                () ->
                    new InterchangeException(
                        "Cannot read columns of batches whose schema is not known: name it with"
                            + " returns(BatchTypeInfo.of(schema))"));
    List<Column> selected = names.stream().map(schema::column).toList();
    List<Column> arguments = selected.stream().map(column -> argument(column, options)).toList();
    List<Column> passedOn = kept.stream().map(schema::column).toList();
    return new WholeReader(selected, arguments, passedOn, type.isGivenAway());
  }

  private static Column argument(Column column, Options options) {
    boolean bytes = column.kind() == ColumnKind.STRING || column.kind() == ColumnKind.BINARY;
    if (bytes && options.storage() != Storage.AS_BYTES) {
      throw new UnsupportedTypeException(
          "Cannot use column '"
              + column
              + "' as a tensor: encode it as numbers first, or ask for Storage.AS_BYTES");
    }
    return column.withNullable(column.nullable() && options.nulls().masks());
  }

  @Override
  public boolean isNullable() {
    return selected.stream().anyMatch(Column::nullable);
  }

  @Override
  public BatchInput<OwnedBatch> allocate(
      int maxRows, Options options, boolean keepsElements, boolean alone) {
    return new WholeBatch(this, options, alone);
  }
}
