package io.arrowtensor.spark;

import java.util.List;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.execution.SparkPlan;
import org.apache.spark.sql.execution.SparkStrategy;
import scala.collection.immutable.Seq;

/** Plans {@link MapTensors} as {@link MapTensorsExec}. */
final class MapTensorsStrategy extends SparkStrategy {
  @Override
  public Seq<SparkPlan> apply(LogicalPlan plan) {
    if (!(plan instanceof MapTensors map)) {
      return Seqs.of(List.of());
    }
    SparkPlan child = planLater(map.child());
    return Seqs.of(
        List.of(new MapTensorsExec(map.call(), map.appended(), Release.BY_CONSUMER, child)));
  }
}
