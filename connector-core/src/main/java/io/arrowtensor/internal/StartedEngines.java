package io.arrowtensor.internal;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Engine libraries that functions of this class loader have started and that nothing can stop
 * before the process ends: an engine's shutdown hook keeps the class loader that the engine came
 * from. Who runs jobs in class loaders of their own asks for them. Any thread.
 */
public final class StartedEngines {
  private static final Set<Class<?>> STARTED = ConcurrentHashMap.newKeySet();

  private StartedEngines() {}

  /** Notes that the engine of {@code type} runs. */
  public static void add(Class<?> type) {
    STARTED.add(type);
  }

  /** One class of each engine that was started. */
  public static Set<Class<?>> all() {
    return Set.copyOf(STARTED);
  }
}
