package io.arrowtensor.flink;

import io.arrowtensor.InterchangeException;
import io.arrowtensor.Nulls;
import io.arrowtensor.Options;
import io.arrowtensor.Storage;
import io.arrowtensor.engine.OnnxFunction;
import java.net.URI;
import java.net.URISyntaxException;
import java.time.Duration;
import java.util.Set;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ConfigOptions;
import org.apache.flink.configuration.ReadableConfig;

/** What may stand in {@code CREATE MODEL ... WITH ('provider' = 'tensor', ...)}. */
final class ModelOptions {
  static final ConfigOption<String> MODEL =
      ConfigOptions.key("model")
          .stringType()
          .noDefaultValue()
          .withDescription(
              "URI of the ONNX model, opened through Flink's file systems; a path is one.");

  static final ConfigOption<Integer> MAX_ROWS =
      ConfigOptions.key("batch.max-rows")
          .intType()
          .noDefaultValue()
          .withDescription(
              "Rows of a full batch; where it is not given, the session's tensor.batch.max-rows. At"
                  + " most half of the operations that ML_PREDICT may have under way.");

  static final ConfigOption<Duration> MAX_DELAY =
      ConfigOptions.key("batch.max-delay")
          .durationType()
          .noDefaultValue()
          .withDescription(
              "How long the first row of a batch may wait for others while the engine has nothing to"
                  + " do; where it is not given, the session's tensor.batch.max-delay. A pause of a"
                  + " tenth of it ends the batch.");

  static final ConfigOption<NullPolicy> NULLS =
      ConfigOptions.key("nulls")
          .enumType(NullPolicy.class)
          .defaultValue(NullPolicy.PROPAGATE)
          .withDescription(
              "PROPAGATE: null in, null out. REJECT: a null fails the job. FILL: the model gets"
                  + " fill-value instead.");

  static final ConfigOption<Double> FILL_VALUE =
      ConfigOptions.key("fill-value")
          .doubleType()
          .defaultValue(0.0)
          .withDescription("What stands for nulls with 'nulls' = 'fill'.");

  private static final Duration SHORTEST_DELAY = Duration.ofMillis(1);
  private static final Duration LONGEST_DELAY = Duration.ofDays(365);

  private ModelOptions() {}

  /** The policies that make sense for a model, which reads no mask. */
  enum NullPolicy {
    PROPAGATE,
    REJECT,
    FILL
  }

  static Set<ConfigOption<?>> required() {
    return Set.of(MODEL);
  }

  static Set<ConfigOption<?>> optional() {
    return Set.of(MAX_ROWS, MAX_DELAY, NULLS, FILL_VALUE);
  }

  /** The model, of which nothing is read yet. */
  static OnnxFunction function(ReadableConfig options) {
    String text = options.get(MODEL);
    try {
      return OnnxFunction.of(new URI(text));
    } catch (URISyntaxException e) {
      throw new InterchangeException(
          invalid(MODEL, text, "expected a URI; write spaces as %20"), e);
    }
  }

  /** How columns are converted; text goes to the models that take it. */
  static Options conversion(ReadableConfig options) {
    Nulls nulls =
        switch (options.get(NULLS)) {
          case PROPAGATE -> Nulls.PROPAGATE;
          case REJECT -> Nulls.REJECT;
          case FILL -> Nulls.fill(options.get(FILL_VALUE));
        };
    if (options.getOptional(FILL_VALUE).isPresent() && options.get(NULLS) != NullPolicy.FILL) {
      throw new InterchangeException(
          invalid(FILL_VALUE, options.get(FILL_VALUE), "it needs 'nulls' = 'fill' beside it"));
    }
    return Options.defaults().withNulls(nulls).withStorage(Storage.AS_BYTES);
  }

  static int maxRows(ReadableConfig options, ReadableConfig session) {
    boolean own = options.getOptional(MAX_ROWS).isPresent();
    ConfigOption<Integer> option = own ? MAX_ROWS : TensorSettings.MAX_ROWS;
    int rows = (own ? options : session).get(option);
    if (rows < 1) {
      throw new InterchangeException(invalid(option, rows, "expected at least 1"));
    }
    return rows;
  }

  static Duration maxDelay(ReadableConfig options, ReadableConfig session) {
    boolean own = options.getOptional(MAX_DELAY).isPresent();
    ConfigOption<Duration> option = own ? MAX_DELAY : TensorSettings.MAX_DELAY;
    Duration delay = (own ? options : session).get(option);
    if (delay.compareTo(SHORTEST_DELAY) < 0 || delay.compareTo(LONGEST_DELAY) > 0) {
      throw new InterchangeException(
          invalid(option, delay, "expected at least a millisecond and at most 365 days"));
    }
    return delay;
  }

  private static String invalid(ConfigOption<?> option, Object value, String expected) {
    return "Invalid option '" + option.key() + "' = '" + value + "': " + expected;
  }
}
