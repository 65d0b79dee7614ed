package io.arrowtensor.flink;

import io.arrowtensor.InterchangeException;
import java.util.Set;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.factories.FactoryUtil;
import org.apache.flink.table.factories.ModelProviderFactory;
import org.apache.flink.table.ml.ModelProvider;

/**
 * Models in SQL, scored in ONNX Runtime inside the task managers, in batches. Flink finds this
 * class by itself; Flink 2.0, which has no models, passes it over.
 *
 * <pre>{@code
 * CREATE MODEL delays INPUT (delay FLOAT, distance FLOAT) OUTPUT (risk FLOAT)
 *   WITH ('provider' = 'tensor', 'model' = 'hdfs:///models/delays.onnx');
 * SET 'table.exec.async-ml-predict.max-concurrent-operations' = '4096';
 * SELECT id, risk FROM ML_PREDICT(TABLE flights, MODEL delays, DESCRIPTOR(delay, distance));
 * }</pre>
 */
public final class TensorModelFactory implements ModelProviderFactory {
  /** Made by Flink. */
  public TensorModelFactory() {}

  /** {@code 'provider' = 'tensor'}. */
  @Override
  public String factoryIdentifier() {
    return "tensor";
  }

  @Override
  public Set<ConfigOption<?>> requiredOptions() {
    return ModelOptions.required();
  }

  @Override
  public Set<ConfigOption<?>> optionalOptions() {
    return ModelOptions.optional();
  }

  /**
   * Reads the model's file and compares it with what was declared.
   *
   * @throws ValidationException naming the option or column that does not fit, and the remedy
   */
  @Override
  public ModelProvider createModelProvider(Context context) {
    FactoryUtil.ModelProviderFactoryHelper helper =
        FactoryUtil.createModelProviderFactoryHelper(this, context);
    helper.validate();
    try {
      DeclaredModel model = DeclaredModel.of(context, helper.getOptions());
      model.require();
      return new TensorModelProvider(model);
    } catch (InterchangeException e) {
      throw DeclaredModel.refusal(context.getObjectIdentifier().asSummaryString(), e);
    }
  }
}
