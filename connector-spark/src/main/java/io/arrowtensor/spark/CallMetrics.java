package io.arrowtensor.spark;

import io.arrowtensor.CopyReason;
import io.arrowtensor.internal.CallFigures;
import java.io.Serializable;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.apache.spark.SparkContext;
import org.apache.spark.sql.execution.metric.SQLMetric;
import org.apache.spark.sql.execution.metric.SQLMetrics;
import scala.jdk.javaapi.CollectionConverters;

/** The figures of one operator in the SQL tab; added to by its tasks. */
final class CallMetrics extends CallFigures implements Serializable {
  private static final long serialVersionUID = 1;

  private final LinkedHashMap<String, SQLMetric> metrics = new LinkedHashMap<>();

  private CallMetrics() {}

  static CallMetrics create(SparkContext context) {
    CallMetrics created = new CallMetrics();
    Map<String, SQLMetric> metrics = created.metrics;
    metrics.put(BATCHES, SQLMetrics.createMetric(context, "number of batches"));
    metrics.put(ROWS, SQLMetrics.createMetric(context, "number of rows"));
    metrics.put(ZERO_COPY, size(context, "bytes handed over without copy"));
    metrics.put(DECODED, size(context, "bytes decoded from dictionaries"));
    for (CopyReason reason : copyReasons()) {
      metrics.put(copied(reason), size(context, "bytes copied: " + words(reason)));
    }
    metrics.put(FUNCTION_TIME, nanos(context, "time in the function"));
    metrics.put(MODEL_LOAD_TIME, nanos(context, "time to load models"));
    return created;
  }

  private static String words(CopyReason reason) {
    return reason.name().toLowerCase(Locale.ROOT).replace('_', ' ');
  }

  private static SQLMetric size(SparkContext context, String name) {
    return SQLMetrics.createSizeMetric(context, name, 0);
  }

  private static SQLMetric nanos(SparkContext context, String name) {
    return SQLMetrics.createNanoTimingMetric(context, name, 0);
  }

  scala.collection.immutable.Map<String, SQLMetric> byName() {
    return scala.collection.immutable.Map.from(CollectionConverters.asScala(metrics));
  }

  @Override
  public void add(String name, long value) {
    SQLMetric metric = metrics.get(name);
    if (metric == null) {
      throw new IllegalArgumentException("Cannot find metric " + name);
    }
    metric.add(value);
  }
}
