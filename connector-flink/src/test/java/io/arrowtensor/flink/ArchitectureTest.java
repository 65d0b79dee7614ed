package io.arrowtensor.flink;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.methods;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaMethod;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import io.arrowtensor.internal.RawMemory;
import java.util.stream.Stream;
import org.apache.flink.annotation.Internal;
import org.junit.jupiter.api.Test;

/** The borders of this module. */
class ArchitectureTest {
  private static final String HERE = "io.arrowtensor.flink";
  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages(HERE);

  @Test
  void theseRulesSeeTheModule() {
    assertThat(CLASSES.contain(HERE + ".TensorStream")).as("classes found").isTrue();
  }

  /** Flink loads its own packages from its own class path first. */
  @Test
  void noClassLivesInAPackageOfFlink() {
    classes().should().resideInAnyPackage(HERE, HERE + ".file").check(CLASSES);
  }

  /** What users name, what Flink makes by its name, and what its generated code calls. */
  @Test
  void onlyWhatUsersAndFlinkNameIsPublic() {
    assertThat(CLASSES.stream().filter(c -> c.getModifiers().toString().contains("PUBLIC")))
        .extracting(JavaClass::getSimpleName)
        .containsExactlyInAnyOrder(
            "TensorStream",
            "Tensors",
            "BatchTypeInfo",
            "TensorSettings",
            "Snapshot",
            "ArrowFiles",
            "ParquetFiles",
            "TensorModelFactory",
            "TensorPredictFunction");
  }

  /** What Flink calls internal may change with every release. */
  @Test
  void publicSignaturesUseNothingThatFlinkCallsInternal() {
    methods()
        .that()
        .arePublic()
        .and()
        .areDeclaredInClassesThat()
        .arePublic()
        .should(useNothingInternal())
        .check(CLASSES);
  }

  private static ArchCondition<JavaMethod> useNothingInternal() {
    return new ArchCondition<>("use no internal type of Flink") {
      @Override
      public void check(JavaMethod method, ConditionEvents events) {
        Stream.concat(Stream.of(method.getRawReturnType()), method.getRawParameterTypes().stream())
            .filter(
                type ->
                    type.isAnnotatedWith(Internal.class)
                        || type.getPackageName().startsWith("org.apache.flink.runtime")
                        || type.getPackageName().startsWith("org.apache.flink.streaming.runtime")
                        || type.getPackageName().startsWith("org.apache.flink.table.runtime"))
            .forEach(
                type ->
                    events.add(
                        SimpleConditionEvent.violated(
                            method, method.getFullName() + " uses " + type.getName())));
      }
    };
  }

  /** Other engines' adapters, Flink's planner and its shaded libraries are none of its business. */
  @Test
  void itKnowsTheCoreFlinkItsLoggingAndArrowOnly() {
    classes()
        .should()
        .onlyDependOnClassesThat(
            resideInAPackage("java..")
                .or(resideInAPackage("io.arrowtensor"))
                .or(resideInAPackage("io.arrowtensor.internal"))
                .or(resideInAPackage("io.arrowtensor.engine"))
                .or(resideInAPackage(HERE + ".."))
                .or(resideInAPackage("io.arrowtensor.arrow"))
                .or(resideInAPackage("org.apache.arrow.flatbuf"))
                .or(resideInAPackage("com.google.flatbuffers"))
                .or(resideInAPackage("org.apache.arrow.memory"))
                .or(resideInAPackage("org.apache.arrow.vector.."))
                .or(resideInAPackage("org.apache.parquet.."))
                .or(resideInAPackage("org.jspecify.annotations"))
                .or(resideInAPackage("org.slf4j"))
                .or(
                    resideInAPackage("org.apache.flink..")
                        .and(not(resideInAPackage("..shaded..")))
                        .and(not(resideInAPackage("..planner..")))))
        .check(CLASSES);
  }

  @Test
  void nothingIsCopiedInBulkButByTheCore() {
    noClasses()
        .should()
        .callMethod(RawMemory.class, "copy", long.class, long.class, long.class)
        .check(CLASSES);
  }
}
