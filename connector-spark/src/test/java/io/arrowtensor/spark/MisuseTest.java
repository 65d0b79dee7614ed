package io.arrowtensor.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.arrowtensor.BatchSchema;
import io.arrowtensor.BatchSchema.Column;
import io.arrowtensor.DType;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.FileAccess;
import io.arrowtensor.Nulls;
import io.arrowtensor.Options;
import io.arrowtensor.OwnedBatch;
import org.apache.spark.sql.AnalysisException;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is refused, when, and with which words. */
class MisuseTest {
  private static final SparkSession SPARK = Local.SPARK;

  @AfterEach
  void nothingIsHeld() {
    Local.assertNothingHeld();
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          string column | select score(s) from t | column 's' of type string
          date column | select score(current_date()) from t | cast it to a number
          decimal column | select score(cast(a as decimal(5,1))) from t | of type decimal(5,1)
          lambda | select transform(array(a), x -> score(x)) from t | explode the array
          both sides | select * from t l left join t r on l.id = r.id and score(l.a, r.b) > 1 | both sides of a LeftOuter join
          unknown column | select score(nope) from t | nope
          """)
  void isRefusedWhenPlanned(String name, String query, String words) {
    assertThatThrownBy(() -> Local.plan(query))
        .as(query)
        .isInstanceOf(AnalysisException.class)
        .hasMessageContaining(words);
  }

  @Test
  void aMissingColumnOfMapIsNamed() {
    assertThatThrownBy(
            () -> Tensors.map(SPARK.table("t"), new Sum(), Options.defaults(), "a", "nope"))
        .isInstanceOf(AnalysisException.class)
        .hasMessageContaining("nope");
  }

  @Test
  void aResultMustNotShadowAColumn() {
    Dataset<Row> table = SPARK.table("t").withColumnRenamed("id", "Y");
    assertThatThrownBy(() -> Tensors.map(table, new Sum(), Options.defaults(), "a"))
        .isInstanceOf(AnalysisException.class)
        .hasMessageContaining("result column 'y'")
        .hasMessageContaining("rename");
  }

  @Test
  void aNullUnderRejectIsReportedWithColumnBatchRowAndRemedy() {
    Dataset<Row> scored = Tensors.map(SPARK.table("t"), new Sum(), Options.defaults(), "a", "n");
    assertThatThrownBy(scored::collect)
        .hasStackTraceContaining("Cannot score batch 0 of stage ")
        .hasStackTraceContaining(" partition ")
        .hasStackTraceContaining(", rows 0 to ")
        .hasStackTraceContaining("with Sum(a, n): Cannot hand out column 'n' with nulls")
        .hasStackTraceContaining("row 3 of the batch is the first; filter them out");
  }

  @Test
  void nullInIsNullOutForRegisteredFunctions() {
    assertThat(
            SPARK
                .sql("select score(a, n) as y, n from t")
                .where("(y is null) <> (n is null)")
                .count())
        .as("rows with another null than their argument")
        .isZero();
    assertThat(
            SPARK
                .sql("select score(a, n) as y, a, n from t where n is not null")
                .where("y <> cast(a as double) + n")
                .count())
        .as("wrong rows")
        .isZero();
  }

  @Test
  void nullsAreFilledOnRequest() {
    Options filled = Options.defaults().withNulls(Nulls.fill(7));
    Dataset<Row> scored = Tensors.map(SPARK.table("t"), new Sum(), filled, "a", "n");
    assertThat(scored.where("y <> cast(a as double) + coalesce(n, 7D)").count())
        .as("wrong rows")
        .isZero();
  }

  @Test
  void aFailureOfTheFunctionNamesCallAndBatch() {
    Dataset<Row> scored = Tensors.map(SPARK.table("t"), new Failing(), Options.defaults(), "a");
    assertThatThrownBy(scored::collect)
        .hasStackTraceContaining("Cannot score batch 0 of stage ")
        .hasStackTraceContaining("with Failing(a) (a function that fails): ")
        .hasStackTraceContaining("no such luck");
  }

  @Test
  void aResultOfAnotherLengthIsRefused() {
    Dataset<Row> scored = Tensors.map(SPARK.table("t"), new TooShort(), Options.defaults(), "a");
    assertThatThrownBy(scored::collect)
        .hasStackTraceContaining("Invalid result column 'y': 1 rows for a batch of ");
  }

  @Test
  void aResultOfAnotherTypeIsRefused() {
    Dataset<Row> scored = Tensors.map(SPARK.table("t"), new OtherType(), Options.defaults(), "a");
    assertThatThrownBy(scored::collect)
        .hasStackTraceContaining("Invalid result column 'y'")
        .hasStackTraceContaining("is not the int that resultSchema promised");
  }

  @Test
  void aFunctionThatCannotBeSentIsNamed() {
    Dataset<Row> scored = Tensors.map(SPARK.table("t"), new Unsendable(), Options.defaults(), "a");
    assertThatThrownBy(scored::collect)
        .hasStackTraceContaining("Cannot send function 'Unsendable' to the tasks");
  }

  private static final class Failing extends Sum {
    private static final long serialVersionUID = 1;

    @Override
    public OwnedBatch apply(DeviceBatch batch) {
      throw new IllegalStateException("no such luck");
    }

    @Override
    public String toString() {
      return "a function that fails";
    }
  }

  private static final class TooShort extends Sum {
    private static final long serialVersionUID = 1;

    @Override
    public OwnedBatch apply(DeviceBatch batch) {
      return OwnedBatch.of(column("y", new double[1], context.allocator()));
    }
  }

  private static final class OtherType extends Sum {
    private static final long serialVersionUID = 1;

    @Override
    public BatchSchema resultSchema(BatchSchema input, FileAccess files) {
      return BatchSchema.of(Column.scalar("y", DType.INT32));
    }
  }

  @SuppressWarnings("serial") // the point of it
  private static final class Unsendable extends Sum {
    private static final long serialVersionUID = 1;
    private final Object field = new Object();

    @Override
    public String toString() {
      return field.getClass().getSimpleName();
    }
  }
}
