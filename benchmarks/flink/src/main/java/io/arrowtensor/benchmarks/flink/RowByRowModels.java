package io.arrowtensor.benchmarks.flink;

import io.arrowtensor.benchmarks.HandWritten;
import io.arrowtensor.benchmarks.Model;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ConfigOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.factories.ModelProviderFactory;
import org.apache.flink.table.functions.PredictFunction;
import org.apache.flink.table.ml.ModelProvider;
import org.apache.flink.table.ml.PredictRuntimeProvider;

/** {@code ML_PREDICT} as Flink's interfaces suggest it: one run of ONNX Runtime for each row. */
public final class RowByRowModels implements ModelProviderFactory {
  private static final ConfigOption<Model> MODEL =
      ConfigOptions.key("model").enumType(Model.class).noDefaultValue();

  /** For Flink. */
  public RowByRowModels() {}

  @Override
  public String factoryIdentifier() {
    return "row-by-row";
  }

  @Override
  public Set<ConfigOption<?>> requiredOptions() {
    return Set.of(MODEL);
  }

  @Override
  public Set<ConfigOption<?>> optionalOptions() {
    return Set.of();
  }

  @Override
  public ModelProvider createModelProvider(ModelProviderFactory.Context context) {
    Configuration options = Configuration.fromMap(context.getCatalogModel().getOptions());
    return new Provider(options.get(MODEL));
  }

  private record Provider(Model model) implements PredictRuntimeProvider {
    @Override
    public PredictFunction createPredictFunction(ModelProvider.Context context) {
      return new Scores(model);
    }

    @Override
    public ModelProvider copy() {
      return this;
    }
  }

  /** Public, as Flink generates code that calls it. */
  public static final class Scores extends PredictFunction {
    private static final long serialVersionUID = 1;

    private final Model model;

    private Scores(Model model) {
      this.model = model;
    }

    @Override
    public Collection<RowData> predict(RowData row) {
      try {
        float score =
            model == Model.ADD
                ? HandWritten.score(model, row.getFloat(0), row.getFloat(1))
                : HandWritten.score(model, row.getLong(0), row.getLong(1));
        return List.of(GenericRowData.of(score));
      } catch (ai.onnxruntime.OrtException e) {
        throw new IllegalStateException("Cannot score a row: " + e.getMessage(), e);
      }
    }
  }
}
