package io.arrowtensor.spark;

import io.arrowtensor.BatchSchema;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.internal.FunctionChecks;
import io.arrowtensor.internal.KnownFile;
import io.arrowtensor.internal.RecordedFiles;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.catalyst.analysis.TempResolvedColumn;
import org.apache.spark.sql.catalyst.expressions.AttributeReference;
import org.apache.spark.sql.catalyst.expressions.Cast;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.NamedExpression;
import org.apache.spark.sql.types.Metadata;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;

/**
 * What a function takes and gives in one call.
 *
 * @param arguments names and types of its columns. Named after the arguments as written: the
 *     optimizer renames
 * @param results its result columns
 * @param files what it read to tell its results
 */
record Signature(StructType arguments, StructType results, List<KnownFile> files)
    implements Serializable {

  /**
   * Asks the function for its results.
   *
   * <p>Throws Spark's AnalysisException when it refuses the arguments.
   */
  static Signature of(TensorFunction function, List<Expression> children) {
    List<StructField> fields = new ArrayList<>();
    for (Expression child : children) {
      fields.add(field(child));
    }
    StructType arguments = new StructType(fields.toArray(StructField[]::new));
    Configuration conf = Sessions.active().sessionState().newHadoopConf();
    RecordedFiles files = new RecordedFiles(uri -> ProcessFiles.localCopy(uri, conf));
    try {
      FunctionChecks.requireNullPolicy(function.function(), function.options().nulls());
      BatchSchema input = SparkSchemas.columns(arguments, function.options());
      BatchSchema results = function.function().resultSchema(input, files);
      return new Signature(
          arguments, SparkSchemas.results(results, arguments, function.options()), files.known());
    } catch (InterchangeException e) {
      String call = function.name() + "(" + String.join(", ", arguments.names()) + ")";
      throw Refusals.analysis("Cannot call " + call + ": " + e.getMessage(), e);
    }
  }

  private static StructField field(Expression child) {
    Metadata metadata =
        child instanceof AttributeReference attribute ? attribute.metadata() : Metadata.empty();
    return new StructField(name(child), child.dataType(), child.nullable(), metadata);
  }

  /** A cast column keeps its name; so does one that HAVING and ORDER BY resolve in two steps. */
  private static String name(Expression child) {
    if (child instanceof NamedExpression named) {
      return named.name();
    }
    if (child instanceof Cast || child instanceof TempResolvedColumn) {
      return name(child.children().head());
    }
    return child.sql();
  }

  /** Whether one evaluation over the same arguments serves both. */
  boolean sameAs(Signature other) {
    return Arrays.equals(arguments.names(), other.arguments.names()) && files.equals(other.files);
  }
}
