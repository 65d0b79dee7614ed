package io.arrowtensor.spark;

import org.apache.spark.sql.SparkSessionExtensions;
import org.apache.spark.sql.SparkSessionExtensionsProvider;
import scala.runtime.BoxedUnit;

/**
 * Teaches each new Spark session to plan tensor functions. Spark finds it by itself when the
 * library is on the driver's class path; nobody else needs it.
 */
public final class TensorExtensions implements SparkSessionExtensionsProvider {
  /** For Spark's service loader. */
  public TensorExtensions() {}

  /** Adds the rules, the strategy and the SQL functions. */
  @Override
  public BoxedUnit apply(SparkSessionExtensions extensions) {
    extensions.injectCheckRule(session -> LambdaCheck::check);
    extensions.injectPreCBORule(session -> new ExtractTensorCalls());
    extensions.injectPlannerStrategy(session -> new MapTensorsStrategy());
    extensions.injectFunction(OnnxPredict.description());
    extensions.injectColumnar(session -> new ColumnarPlans());
    return BoxedUnit.UNIT;
  }
}
