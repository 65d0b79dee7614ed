package io.arrowtensor.flink;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.lang.module.ModuleDescriptor.Version;
import org.apache.flink.runtime.util.EnvironmentInformation;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.platform.commons.support.AnnotationSupport;

/** Skips a test on a Flink that lacks what it is about, and says so. */
@Target({ElementType.TYPE, ElementType.METHOD})
@Retention(RetentionPolicy.RUNTIME)
@ExtendWith(SinceFlink.Condition.class)
@interface SinceFlink {
  /** The first version that has it, as {@code 2.1}. */
  String value();

  /** What it is about, as {@code ML_PREDICT}. */
  String feature();

  /** Compares with the Flink on the class path. */
  final class Condition implements ExecutionCondition {
    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
      return AnnotationSupport.findAnnotation(context.getElement(), SinceFlink.class)
          .map(since -> on(EnvironmentInformation.getVersion(), since.value(), since.feature()))
          .orElse(ConditionEvaluationResult.enabled("no Flink asked for"));
    }

    static ConditionEvaluationResult on(String here, String since, String feature) {
      String reason = "%s came with Flink %s; this is %s".formatted(feature, since, here);
      return Version.parse(here).compareTo(Version.parse(since)) >= 0
          ? ConditionEvaluationResult.enabled(reason)
          : ConditionEvaluationResult.disabled(reason);
    }
  }
}
