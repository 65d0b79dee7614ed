package io.arrowtensor.flink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.BatchSchema;
import io.arrowtensor.BatchSchema.Column;
import io.arrowtensor.ColumnKind;
import io.arrowtensor.Copy;
import io.arrowtensor.DType;
import io.arrowtensor.FileAccess;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.Nulls;
import io.arrowtensor.Options;
import java.time.Duration;
import java.util.List;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.runtime.typeutils.InternalTypeInfo;
import org.apache.flink.table.types.logical.RowType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is told while a job is built. */
class TensorStreamTest {
  private static final RowType ROW =
      (RowType)
          DataTypes.ROW(
                  DataTypes.FIELD("a", DataTypes.FLOAT()),
                  DataTypes.FIELD("price", DataTypes.DECIMAL(10, 2)),
                  DataTypes.FIELD("tags", DataTypes.MAP(DataTypes.STRING(), DataTypes.INT())),
                  DataTypes.FIELD("name", DataTypes.STRING()),
                  DataTypes.FIELD("names", DataTypes.ARRAY(DataTypes.STRING())),
                  DataTypes.FIELD("day", DataTypes.DATE()))
              .getLogicalType();

  private static TensorStream<RowData> rows() {
    return Harness.stream(InternalTypeInfo.of(ROW), new Configuration());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "price | of type DECIMAL(10, 2) as a tensor: cast it to a boolean, a number or an array",
        "tags | of type MAP<STRING, INT> as a tensor: cast it to a boolean, a number or an array",
        "name | of type STRING as a tensor: encode it as numbers first, or ask for Storage.AS_BYTES",
        "day | of type DATE as a tensor: cast it to a number, or ask for Storage.AS_INTEGERS",
      })
  void unsupportedFieldsAreNamedWhenTheJobIsBuilt(String field, String why) {
    assertThatThrownBy(() -> rows().columns("a", field).map(new Sum()))
        .isInstanceOf(InterchangeException.class)
        .hasMessageStartingWith("Cannot call Sum(a, " + field + "): Cannot use field '" + field)
        .hasMessageContaining(why);
  }

  @Test
  void missingFieldsAreNamedWithThoseThatAreThere() {
    assertThatThrownBy(() -> rows().columns("A").map(new Sum()))
        .hasMessage(
            "Cannot call Sum(A): Cannot find field 'A': the elements have [a, price, tags, name,"
                + " names, day]");
    assertThatThrownBy(() -> rows().map(new Sum()))
        .hasMessage(
            "Cannot call Sum(): Cannot read no columns: name at least one with columns(...)");
  }

  @Test
  void elementsWithoutKnownFieldsAreRefused() {
    TensorStream<Object> objects =
        Harness.stream(TypeInformation.of(Object.class), new Configuration());
    assertThatThrownBy(() -> objects.columns("a").map(new Sum()))
        .hasMessageContaining("expected elements that are POJOs, Row or RowData with known fields");
  }

  @Test
  void optionsThatCannotHoldAreRefused() {
    TensorStream<RowData> rows = rows().columns("a");
    assertThatThrownBy(() -> rows.options(Options.defaults().withCopy(Copy.NEVER)).map(new Sum()))
        .hasMessageContaining("Copy.NEVER forbids one");
    assertThatThrownBy(
            () -> rows.options(Options.defaults().withNulls(Nulls.MASK)).map(new Blind()))
        .hasMessageContaining("it does not read the mask that Nulls.MASK hands out");
    assertThatThrownBy(() -> rows.maxRows(0).map(new Sum()))
        .hasMessageContaining("Invalid maxRows 0: expected at least 1");
    assertThatThrownBy(() -> rows.inFlight(-1).map(new Sum()))
        .hasMessageContaining("Invalid inFlight -1: expected at least 0, at most 1000");
    assertThatThrownBy(() -> rows.maxDelay(Duration.ZERO).map(new Sum()))
        .hasMessageContaining("Invalid maxDelay PT0S: expected at least a millisecond");
    assertThatThrownBy(() -> rows.map(new Unsendable()))
        .hasMessageContaining("it cannot be sent to the tasks: java.io.NotSerializableException")
        .hasMessageContaining("keep only serializable fields and make the rest in open()");
  }

  @Test
  void resultsThatFlinkCannotHoldAreRefused() {
    TensorStream<RowData> rows = rows().columns("a");
    assertThatThrownBy(() -> rows.map(new Promising(Column.scalar("y", DType.BFLOAT16))))
        .hasMessageContaining("Cannot return column 'y' of bfloat16 to Flink");
    Column shapes = new Column("t", ColumnKind.TENSOR, DType.FLOAT32, List.of(), false);
    assertThatThrownBy(() -> rows.map(new Promising(shapes)))
        .hasMessageContaining("Cannot return column 't' of tensors of different shapes to Flink");
    assertThatThrownBy(() -> rows.map(new Promising()))
        .hasMessageContaining("Invalid result schema: no columns");
    Column twice = Column.scalar("y", DType.FLOAT32);
    assertThatThrownBy(() -> rows.map(new Promising(twice, twice)))
        .hasMessageContaining("two columns are called 'y'; rename one");
  }

  @Test
  void theFunctionIsToldItsColumnsAndTheStreamItsType() {
    Options propagating = Options.defaults().withNulls(Nulls.PROPAGATE);
    TypeInformation<RowData> type =
        rows().columns("a").options(propagating).map(new Sum()).getType();
    assertThat(type.toString())
        .as("nullable as its argument")
        .startsWith("ROW<`y` DOUBLE> NOT NULL(");
    assertThat(rows().columns("a").map(new Sum()).getType().toString())
        .as("nulls are refused")
        .startsWith("ROW<`y` DOUBLE NOT NULL> NOT NULL(");
    assertThat(
            rows()
                .columns("a")
                .map(new Sum(), (row, result) -> "y=" + result.getDouble(0))
                .getType())
        .as("what join makes")
        .isEqualTo(Types.STRING);
    assertThat(rows().columns("a").map(new Sum()).getName())
        .as("in the web UI")
        .isEqualTo("Tensor Sum(a)");
  }

  @Test
  void settingsOfTheJobHoldWhereTheStreamSaysNothing() throws Exception {
    Configuration configuration = new Configuration();
    configuration.set(TensorSettings.MAX_ROWS, 2);
    TypeInformation<Event> type = TypeInformation.of(Event.class);
    try (Harness<Event, RowData> harness =
        Harness.create(type, configuration, stream -> stream.columns("a").map(new Sum()))) {
      harness.flink().open();
      harness.send(Event.of(1), 0).send(Event.of(2), 0);
      assertThat(harness.values()).as("full at two").hasSize(2);
    }
    try (Harness<Event, RowData> harness =
        Harness.create(
            type, configuration, stream -> stream.columns("a").maxRows(1).map(new Sum()))) {
      harness.flink().open();
      harness.send(Event.of(1), 0);
      assertThat(harness.values()).as("the stream goes first").hasSize(1);
    }
  }

  private static final class Blind extends Sum {
    private static final long serialVersionUID = 1;

    @Override
    public boolean readsValidity() {
      return false;
    }
  }

  @SuppressWarnings({"serial", "UnusedVariable"}) // that is the point
  private static final class Unsendable extends Sum {
    private static final long serialVersionUID = 1;
    final Object field = new Object();
  }

  private static final class Promising extends Sum {
    private static final long serialVersionUID = 1;
    private final BatchSchema promised;

    Promising(Column... promised) {
      this.promised = BatchSchema.of(promised);
    }

    @Override
    public BatchSchema resultSchema(BatchSchema input, FileAccess files) {
      return promised;
    }
  }
}
