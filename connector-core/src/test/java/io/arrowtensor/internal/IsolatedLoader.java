package io.arrowtensor.internal;

import java.lang.reflect.Method;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.function.Predicate;

/**
 * Loads this library's classes a second time, as Spark and Flink do for each session or job;
 * everything else comes from the test's own loader.
 */
final class IsolatedLoader extends URLClassLoader {
  private final Predicate<String> hidden;

  IsolatedLoader() {
    this(resource -> false);
  }

  /** Without the resources that {@code hidden} names. */
  IsolatedLoader(Predicate<String> hidden) {
    super(
        new URL[] {location(Native.class), location(IsolatedLoader.class)},
        IsolatedLoader.class.getClassLoader());
    this.hidden = hidden;
  }

  /** Calls a static method without parameters. */
  Object call(Class<?> type, String method) throws ReflectiveOperationException {
    Class<?> own = loadClass(type.getName());
    if (own == type) {
      throw new AssertionError(type + " is not isolated");
    }
    Method handle = own.getDeclaredMethod(method);
    handle.setAccessible(true);
    return handle.invoke(null);
  }

  @Override
  protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
    if (!name.startsWith("io.arrowtensor.")) {
      return super.loadClass(name, resolve);
    }
    synchronized (getClassLoadingLock(name)) {
      Class<?> loaded = findLoadedClass(name);
      return loaded != null ? loaded : findClass(name);
    }
  }

  @Override
  public URL getResource(String name) {
    return hidden.test(name) ? null : findResource(name);
  }

  private static URL location(Class<?> type) {
    return type.getProtectionDomain().getCodeSource().getLocation();
  }
}
