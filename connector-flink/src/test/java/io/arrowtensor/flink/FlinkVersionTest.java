package io.arrowtensor.flink;

import static org.assertj.core.api.Assertions.assertThat;

import org.apache.flink.runtime.util.EnvironmentInformation;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.data.RowData;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The Flink that these tests run on. */
class FlinkVersionTest {
  @Test
  void itIsTheOneThatMavenWasAskedFor() {
    assertThat(EnvironmentInformation.getVersion()).isEqualTo(System.getProperty("flink.version"));
  }

  /** One Flink, not parts of two. */
  @Test
  void everyModuleHasTheSameVersion() {
    String version = System.getProperty("flink.version");
    for (Class<?> type :
        new Class<?>[] {
          EnvironmentInformation.class, StreamExecutionEnvironment.class, RowData.class
        }) {
      assertThat(type.getProtectionDomain().getCodeSource().getLocation().getPath())
          .as(type.getSimpleName())
          .endsWith("-" + version + ".jar");
    }
  }

  @ParameterizedTest
  @CsvSource({"2.0.2, false", "2.1.0, true", "2.3.0, true", "2.10.0, true"})
  void aTestOfALaterFlinkIsSkippedAndSaysWhy(String here, boolean runs) {
    ConditionEvaluationResult result = SinceFlink.Condition.on(here, "2.1", "ML_PREDICT");
    assertThat(result.isDisabled()).as("skipped").isEqualTo(!runs);
    assertThat(result.getReason()).contains("ML_PREDICT came with Flink 2.1; this is " + here);
  }
}
