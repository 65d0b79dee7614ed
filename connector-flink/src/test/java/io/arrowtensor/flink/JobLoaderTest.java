package io.arrowtensor.flink;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.lang.ref.WeakReference;
import java.util.Set;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What keeps the class loader of a job; {@code src/test/cluster/run} looks at whole jobs. */
class JobLoaderTest {
  /** As the job's jar has its own copy of these classes. */
  private static final class Child extends ClassLoader {
    Child() {
      super(JobLoaderTest.class.getClassLoader());
    }

    Class<?> define(Class<?> type) throws IOException {
      String file = "/" + type.getName().replace('.', '/') + ".class";
      try (InputStream in = type.getResourceAsStream(file)) {
        byte[] bytes = in.readAllBytes();
        return defineClass(type.getName(), bytes, 0, bytes.length);
      }
    }
  }

  /** Of a type that the JDK adapts its handles to. */
  public record Value(Object of) implements Supplier<String> {
    public Value {}

    public Value() {
      this("text");
    }

    /** Has the JDK make all three methods of a record. */
    @Override
    public String get() {
      return this + " " + hashCode() + " " + equals(new Value());
    }
  }

  @BeforeEach
  @AfterEach
  void forget() {
    System.clearProperty(JobLoader.TOLD);
  }

  @Test
  void aLoaderIsCollectedAfterItsRecordsWereUsed() throws Exception {
    WeakReference<ClassLoader> loader = loaderOfUsedRecord();
    JobLoader.letGo();
    Cluster.await(
        "the loader is collected",
        () -> {
          System.gc();
          return loader.get() == null;
        });
  }

  private static WeakReference<ClassLoader> loaderOfUsedRecord() throws Exception {
    Child loader = new Child();
    loader.define(JobLoaderTest.class);
    Object value = loader.define(Value.class).getConstructor().newInstance();
    assertThat(((Supplier<?>) value).get())
        .asString()
        .startsWith("Value[of=text] ")
        .endsWith("true");
    return new WeakReference<>(loader);
  }

  @Test
  void anEngineOfTheJobsOwnIsToldOnceWithTheRemedy() throws Exception {
    Set<Class<?>> engines = Set.of(new Child().define(Sum.class));
    assertThat(JobLoader.newPin(engines))
        .startsWith("io.arrowtensor.flink was loaded from the job's jar")
        .contains("keeps the job's class loader", "Flink's lib/ folder")
        .endsWith("add 'io.arrowtensor.flink.' to classloader.parent-first-patterns.additional");
    assertThat(JobLoader.newPin(engines)).as("told again").isNull();
  }

  @Test
  void anEngineBesideFlinkIsFine() {
    assertThat(JobLoader.newPin(Set.of(Sum.class, String.class))).isNull();
  }
}
