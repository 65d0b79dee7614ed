package io.arrowtensor.flink;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Field;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.description.HtmlFormatter;
import org.apache.flink.util.TimeUtils;
import org.junit.jupiter.api.Test;

/**
 * The tables of settings and of a model's options in docs/flink.md are what {@link TensorSettings}
 * and {@link ModelOptions} say; with {@code -Dwrite.docs} they are written anew.
 */
class SettingsTest {
  private static final Path DOCUMENT = Path.of("../docs/flink.md");
  private static final String BEGIN = "<!-- Generated: SettingsTest writes this table of %s. -->\n";
  private static final String END = "<!-- End of the table. -->\n";

  /** The options that {@code type} declares, in its order. */
  private static List<ConfigOption<?>> options(Class<?> type) throws IllegalAccessException {
    List<ConfigOption<?>> options = new ArrayList<>();
    for (Field field : type.getDeclaredFields()) {
      if (field.getType() == ConfigOption.class) {
        options.add((ConfigOption<?>) field.get(null));
      }
    }
    return options;
  }

  private static String table(Class<?> type) throws IllegalAccessException {
    StringBuilder table = new StringBuilder("| key | default | meaning |\n|---|---|---|\n");
    for (ConfigOption<?> option : options(type)) {
      table.append("| `%s` | %s | %s |%n".formatted(option.key(), value(option), text(option)));
    }
    return table.toString();
  }

  private static String value(ConfigOption<?> option) {
    Object value = option.defaultValue();
    if (value instanceof Duration duration) {
      return TimeUtils.formatWithHighestUnit(duration);
    }
    if (value == null) {
      return ModelOptions.required().contains(option) ? "required" : "none";
    }
    return String.valueOf(value);
  }

  private static String text(ConfigOption<?> option) {
    return new HtmlFormatter().format(option.description());
  }

  private static String written(String document, String what, Class<?> type)
      throws IllegalAccessException {
    String mark = BEGIN.formatted(what);
    int begin = document.indexOf(mark) + mark.length();
    assertThat(begin).as("behind the mark of the table of %s", what).isGreaterThan(mark.length());
    int end = document.indexOf(END, begin);
    assertThat(end).as("the end of the table of %s", what).isNotNegative();
    return document.substring(0, begin) + table(type) + document.substring(end);
  }

  @Test
  void theDocumentHasTheTablesOfSettingsAndOptions() throws Exception {
    String document = Files.readString(DOCUMENT);
    String written =
        written(written(document, "settings", TensorSettings.class), "options", ModelOptions.class);
    if (System.getProperty("write.docs") != null) {
      Files.writeString(DOCUMENT, written);
    }
    assertThat(Files.readString(DOCUMENT))
        .as("docs/flink.md; CONTRIBUTING.md has the command that writes its tables anew")
        .isEqualTo(written);
  }

  @Test
  void everyOptionIsOneThatAModelAcceptsAndHasItsMeaning() throws Exception {
    List<ConfigOption<?>> accepted = new ArrayList<>(ModelOptions.required());
    accepted.addAll(ModelOptions.optional());
    assertThat(options(ModelOptions.class))
        .isNotEmpty()
        .containsExactlyInAnyOrderElementsOf(accepted);
    for (ConfigOption<?> option : accepted) {
      assertThat(text(option)).as("meaning of %s", option.key()).endsWith(".");
    }
  }

  @Test
  void everySettingHasItsPrefixAndItsMeaning() throws Exception {
    List<ConfigOption<?>> settings = options(TensorSettings.class);
    assertThat(settings).as("settings").isNotEmpty();
    for (ConfigOption<?> option : settings) {
      assertThat(option.key()).as("key").startsWith("tensor.");
      assertThat(text(option)).as("meaning of %s", option.key()).endsWith(".");
    }
  }
}
