package io.arrowtensor.spark;

import static org.assertj.core.api.Assertions.assertThat;

import io.arrowtensor.CopyReason;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.Options;
import io.arrowtensor.Outcome;
import io.arrowtensor.OwnedBatch;
import java.util.List;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What the SQL tab tells about a call: nothing is copied unnoticed. */
class MetricsTest {
  private static final SparkSession SPARK = Local.SPARK;
  private static final List<String> OFF_HEAP =
      List.of("spark.sql.columnVector.offheap.enabled", "true");
  private static final long BYTES = Local.ROWS * (4L + 8L);

  @AfterEach
  void nothingIsHeld() {
    Local.assertNothingHeld();
  }

  private static Dataset<Row> run(Sum function, String table) {
    Dataset<Row> scored =
        Tensors.map(
            SPARK.read().parquet(Local.file(table)), function, Options.defaults(), "a", "b");
    assertThat(scored.collectAsList()).as("rows").hasSize(Local.ROWS);
    return scored;
  }

  private static long copied(Dataset<Row> table, CopyReason reason) {
    return Local.metric(table, CallMetrics.copied(reason));
  }

  @Test
  void plainOffHeapColumnsCrossWithoutCopy() {
    Local.with(
        OFF_HEAP,
        () -> {
          Dataset<Row> scored = run(new Sum(), "table");
          assertThat(Local.metric(scored, CallMetrics.ZERO_COPY)).as("zero copy").isEqualTo(BYTES);
          assertThat(Local.metric(scored, CallMetrics.DECODED)).as("decoded").isZero();
          for (CopyReason reason : CopyReason.values()) {
            assertThat(reason == CopyReason.DICTIONARY ? 0 : copied(scored, reason))
                .as("copied: %s", reason)
                .isZero();
          }
          assertThat(Local.metric(scored, CallMetrics.ROWS)).as("rows").isEqualTo(Local.ROWS);
          assertThat(Local.metric(scored, CallMetrics.BATCHES)).as("batches").isGreaterThan(3);
          assertThat(Local.metric(scored, CallMetrics.FUNCTION_TIME)).as("ns").isPositive();
        });
  }

  @Test
  void onHeapColumnsAreCopiedOnce() {
    Local.with(
        List.of("spark.sql.columnVector.offheap.enabled", "false"),
        () -> {
          Dataset<Row> scored = run(new Sum(), "table");
          assertThat(copied(scored, CopyReason.ON_HEAP)).as("copied").isEqualTo(BYTES);
          assertThat(Local.metric(scored, CallMetrics.ZERO_COPY)).as("zero copy").isZero();
        });
  }

  @Test
  void dictionariesAreDecodedAndCountedApart() {
    SPARK.table("t").select("a", "b").write().mode("overwrite").parquet(Local.file("dictionary"));
    Local.with(
        OFF_HEAP,
        () -> {
          Dataset<Row> scored = run(new Sum(), "dictionary");
          assertThat(scored.where("y <> cast(a as double) + b").count()).as("wrong").isZero();
          assertThat(Local.metric(scored, CallMetrics.DECODED))
              .as("decoded bytes: a has 97 values, so it has a dictionary in every row group")
              .isGreaterThanOrEqualTo(4L * Local.ROWS);
          assertThat(
                  Local.metric(scored, CallMetrics.DECODED)
                      + Local.metric(scored, CallMetrics.ZERO_COPY))
              .as("all bytes")
              .isEqualTo(BYTES);
        });
  }

  @Test
  void anEnginesOwnCountReplacesTheHandover() {
    Local.with(
        OFF_HEAP,
        () -> {
          Dataset<Row> scored = run(new Packing(), "table");
          assertThat(copied(scored, CopyReason.PACKED)).as("packed").isEqualTo(7L * Local.ROWS);
          assertThat(Local.metric(scored, CallMetrics.ZERO_COPY)).as("zero copy").isZero();
          assertThat(Local.metric(scored, CallMetrics.MODEL_LOAD_TIME)).as("ns").isPositive();
        });
  }

  private static final class Packing extends Sum {
    private static final long serialVersionUID = 1;

    @Override
    public OwnedBatch apply(DeviceBatch batch) throws Exception {
      context.countModelLoad(1_000_000);
      context.count(Outcome.copied(7 * batch.rowCount(), CopyReason.PACKED));
      return super.apply(batch);
    }
  }
}
