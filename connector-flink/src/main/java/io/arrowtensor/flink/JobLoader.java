package io.arrowtensor.flink;

import static java.lang.invoke.MethodType.methodType;

import io.arrowtensor.internal.StartedEngines;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodHandles.Lookup;
import java.lang.invoke.MethodType;
import java.lang.runtime.ObjectMethods;
import java.util.Set;
import org.apache.flink.api.common.functions.RuntimeContext;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The class loader of a job, which a session cluster makes for each job that is submitted: lets go
 * of it when the job ends, and tells what else keeps it.
 */
final class JobLoader {
  private static final Logger LOG = LoggerFactory.getLogger(JobLoader.class);

  /** System property: this process was told what keeps the class loaders of its jobs. */
  static final String TOLD = "io.arrowtensor.flink.pinned";

  private JobLoader() {}

  /** Has Flink call {@link #letGo} when the last task of the job has ended in this process. */
  static void letGoAtEndOf(RuntimeContext runtime) {
    runtime.registerUserCodeClassLoaderReleaseHookIfAbsent(
        JobLoader.class.getName(), JobLoader::letGo);
  }

  /** Warns, once in this process, of an engine that keeps the loader of the job it came with. */
  static void warnOfPins() {
    String pin = newPin(StartedEngines.all());
    if (pin != null) {
      LOG.warn(pin);
    }
  }

  /** What to tell of {@code engines}, null for nothing or nothing new. */
  static @Nullable String newPin(Set<Class<?>> engines) {
    for (Class<?> engine : engines) {
      if (!isFlinks(engine.getClassLoader())
          && System.getProperties().putIfAbsent(TOLD, engine.getName()) == null) {
        return message(engine);
      }
    }
    return null;
  }

  private static String message(Class<?> engine) {
    String name = engine.getPackageName();
    return name
        + " was loaded from the job's jar. It works, but its shutdown hook keeps the job's class"
        + " loader: a session cluster leaks the classes and the native library of each job that is"
        + " submitted, until the task manager ends. Put the library into Flink's lib/ folder and"
        + " add '"
        + name
        + ".' to classloader.parent-first-patterns.additional";
  }

  /** Whether a class of {@code loader} lives as long as Flink. */
  private static boolean isFlinks(@Nullable ClassLoader loader) {
    ClassLoader flinks = RuntimeContext.class.getClassLoader();
    while (flinks != null && flinks != loader) {
      flinks = flinks.getParent();
    }
    return flinks == loader;
  }

  /**
   * Makes the JDK forget the types of the job's records: up to JDK 17 the handles behind every
   * record's methods remember the type that they were last adapted to, and with it that type's
   * class X
   */
  static void letGo() {
    adapt("equals", methodType(boolean.class, String.class, Object.class));
    adapt("hashCode", methodType(int.class, String.class));
    adapt("toString", methodType(String.class, String.class));
  }

  private static void adapt(String method, MethodType type) {
    try {
      Lookup lookup = MethodHandles.lookup();
      MethodHandle component = lookup.findVirtual(String.class, "strip", methodType(String.class));
      ObjectMethods.bootstrap(lookup, method, type, String.class, "component", component);
    } catch (Throwable e) {
      LOG.info("Cannot let go of the class loader of a job", e);
    }
  }
}
