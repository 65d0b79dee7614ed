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
 * The table of settings in docs/flink.md is what {@link TensorSettings} says; with {@code
 * -Dwrite.docs} it is written anew.
 */
class SettingsTest {
  private static final Path DOCUMENT = Path.of("../docs/flink.md");
  private static final String BEGIN = "<!-- Generated: SettingsTest writes this table. -->\n";
  private static final String END = "<!-- End of the table. -->\n";

  private static List<ConfigOption<?>> options() throws IllegalAccessException {
    List<ConfigOption<?>> options = new ArrayList<>();
    for (Field field : TensorSettings.class.getFields()) {
      options.add((ConfigOption<?>) field.get(null));
    }
    return options;
  }

  private static String table() throws IllegalAccessException {
    StringBuilder table = new StringBuilder("| key | default | meaning |\n|---|---|---|\n");
    for (ConfigOption<?> option : options()) {
      table.append("| `%s` | %s | %s |%n".formatted(option.key(), value(option), text(option)));
    }
    return table.toString();
  }

  private static String value(ConfigOption<?> option) {
    Object value = option.defaultValue();
    if (value instanceof Duration duration) {
      return TimeUtils.formatWithHighestUnit(duration);
    }
    return value == null ? "none" : String.valueOf(value);
  }

  private static String text(ConfigOption<?> option) {
    return new HtmlFormatter().format(option.description());
  }

  @Test
  void theDocumentHasTheTableOfSettings() throws Exception {
    String document = Files.readString(DOCUMENT);
    int begin = document.indexOf(BEGIN) + BEGIN.length();
    int end = document.indexOf(END);
    assertThat(begin).as("where the table begins").isBetween(BEGIN.length(), end);
    String written = document.substring(0, begin) + table() + document.substring(end);
    if (System.getProperty("write.docs") != null) {
      Files.writeString(DOCUMENT, written);
    }
    assertThat(Files.readString(DOCUMENT))
        .as("docs/flink.md; CONTRIBUTING.md has the command that writes its table anew")
        .isEqualTo(written);
  }

  @Test
  void everySettingHasItsPrefixAndItsMeaning() throws Exception {
    assertThat(options()).as("settings").isNotEmpty();
    for (ConfigOption<?> option : options()) {
      assertThat(option.key()).as("key").startsWith("tensor.");
      assertThat(text(option)).as("meaning of %s", option.key()).endsWith(".");
    }
  }
}
