package io.arrowtensor;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.lang.conditions.ArchConditions.callMethodWhere;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.methods;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaMethod;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The borders inside this library. */
class ArchitectureTest {
  private static final String WORDS = "io.arrowtensor";
  private static final String INTERNAL = "io.arrowtensor.internal";
  private static final String RAW_MEMORY = INTERNAL + ".RawMemory";
  private static final String BULK_COPY = INTERNAL + ".BulkCopy";
  private static final String STRIDED_COPY = INTERNAL + ".StridedCopy";
  private static final String MATRIX_PACK = INTERNAL + ".MatrixPack";
  private static final String RAW_TILE = INTERNAL + ".RawTile";
  private static final String ARROW_BUF = "org.apache.arrow.memory.ArrowBuf";

  private static final String ELEMENTS =
      "Boolean|Byte|UnsignedByte|Short|Char|Int|Long|Float|Double|Bytes|Zero|One";

  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages(WORDS);

  @Test
  void theseRulesSeeTheLibrary() {
    assertThat(CLASSES.contain(WORDS + ".DeviceArray")).as("classes found").isTrue();
  }

  @Test
  void packagesDoNotDependOnEachOtherInCycles() {
    check(slices().matching("io.arrowtensor.(*)..").should().beFreeOfCycles());
  }

  @Test
  void wordsAndInternalsKnowNoFormatAndNoEngine() {
    check(
        noClasses()
            .that()
            .resideInAnyPackage(WORDS, INTERNAL)
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(
                "io.arrowtensor.arrow..",
                "io.arrowtensor.dlpack..",
                "io.arrowtensor.python..",
                "io.arrowtensor.device..",
                "io.arrowtensor.engine.."));
  }

  @Test
  void pythonsSideKnowsNoVectorAndNoBackend() {
    check(
        noClasses()
            .that()
            .resideInAPackage("io.arrowtensor.python..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("io.arrowtensor.device..", "org.apache.arrow.vector.."));
  }

  @Test
  void formatsDoNotKnowPythonsSide() {
    check(
        noClasses()
            .that()
            .resideInAnyPackage(
                "io.arrowtensor.arrow..", "io.arrowtensor.dlpack..", "io.arrowtensor.device..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("io.arrowtensor.python.."));
  }

  @Test
  void formatsKnowNoEngine() {
    check(
        noClasses()
            .that()
            .resideOutsideOfPackage("io.arrowtensor.engine..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("io.arrowtensor.engine..", "ai.onnxruntime.."));
  }

  /** All but {@code Memory}, in which this library's packages hand each other counted owners. */
  @Test
  void publicSignaturesUseNoInternalType() {
    check(
        methods()
            .that()
            .areDeclaredInClassesThat(resideOutside(INTERNAL))
            .and()
            .areDeclaredInClassesThat()
            .doNotHaveFullyQualifiedName(WORDS + ".Memory")
            .and()
            .areDeclaredInClassesThat()
            .arePublic()
            .and()
            .arePublic()
            .should(useNoTypeIn(INTERNAL)));
  }

  @Test
  void onlyRawMemoryTouchesRawMemory() {
    check(
        noClasses()
            .that()
            .doNotHaveFullyQualifiedName(RAW_MEMORY)
            .should(callMethodWhere(target("an accessor of raw memory", ArchitectureTest::isRaw))));
  }

  @Test
  void bulkCopiesStartInOnePlace() {
    check(
        noClasses()
            .that(
                describe(
                    "are not BulkCopy or what it is made of",
                    type ->
                        !Set.of(BULK_COPY, STRIDED_COPY, MATRIX_PACK, RAW_TILE, RAW_MEMORY)
                            .contains(type.getFullName())))
            .should(callMethodWhere(target("a bulk copy", ArchitectureTest::isBulkCopy))));
  }

  @Test
  void arrowCDataIsOptional() {
    check(
        noClasses()
            .that()
            .resideOutsideOfPackage("io.arrowtensor.arrow.cdata..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("org.apache.arrow.c.."));
  }

  private static void check(ArchRule rule) {
    rule.allowEmptyShould(true).check(CLASSES);
  }

  private static boolean isRaw(String owner, String name) {
    return switch (owner) {
      case ARROW_BUF -> name.matches("(get|set|read|write)(%s)".formatted(ELEMENTS));
      case "org.apache.arrow.memory.util.MemoryUtil", "sun.misc.Unsafe" -> true;
      default -> false;
    };
  }

  private static boolean isBulkCopy(String owner, String name) {
    return switch (owner) {
      case RAW_MEMORY -> name.equals("copy");
      case STRIDED_COPY, MATRIX_PACK -> true;
      case INTERNAL + ".Native" -> name.equals("interleave");
      case INTERNAL + ".DeviceBackend" -> name.equals("copy");
      case "java.nio.ByteBuffer",
          "java.nio.FloatBuffer",
          "java.nio.DoubleBuffer",
          "java.nio.IntBuffer",
          "java.nio.LongBuffer" ->
          name.equals("put");
      case ARROW_BUF -> name.matches("(get|set|read|write)Bytes");
      default -> false;
    };
  }

  private static DescribedPredicate<JavaAccess<?>> target(String description, Target target) {
    return describe(
        description,
        access -> target.matches(access.getTargetOwner().getFullName(), access.getName()));
  }

  private interface Target {
    boolean matches(String owner, String name);
  }

  private static DescribedPredicate<JavaClass> resideOutside(String packageName) {
    return DescribedPredicate.not(resideInAPackage(packageName));
  }

  private static ArchCondition<JavaMethod> useNoTypeIn(String packageName) {
    return new ArchCondition<>("use no type in " + packageName) {
      @Override
      public void check(JavaMethod method, ConditionEvents events) {
        Stream.concat(Stream.of(method.getRawReturnType()), method.getRawParameterTypes().stream())
            .filter(type -> type.getPackageName().equals(packageName))
            .forEach(
                type ->
                    events.add(
                        SimpleConditionEvent.violated(
                            method, method.getFullName() + " uses " + type.getName())));
      }
    };
  }
}
