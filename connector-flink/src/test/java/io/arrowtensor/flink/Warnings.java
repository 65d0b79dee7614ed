package io.arrowtensor.flink;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;
import org.slf4j.ILoggerFactory;
import org.slf4j.Logger;
import org.slf4j.Marker;
import org.slf4j.event.Level;
import org.slf4j.helpers.LegacyAbstractLogger;
import org.slf4j.helpers.NOPLogger;
import org.slf4j.helpers.NOP_FallbackServiceProvider;

/**
 * The log of the tests, which the POM names: keeps this library's warnings, and drops the rest as
 * SLF4J does on its own.
 */
public final class Warnings extends NOP_FallbackServiceProvider {
  private static final List<String> TOLD = new CopyOnWriteArrayList<>();

  /** The warnings since the last call. */
  static List<String> told() {
    List<String> told = List.copyOf(TOLD);
    TOLD.clear();
    return told;
  }

  @Override
  public ILoggerFactory getLoggerFactory() {
    return Warnings::logger;
  }

  private static Logger logger(String name) {
    return name.startsWith("io.arrowtensor.") ? new Ours() : NOPLogger.NOP_LOGGER;
  }

  private static final class Ours extends LegacyAbstractLogger {
    private static final long serialVersionUID = 1;

    @Override
    protected void handleNormalizedLoggingCall(
        Level level,
        @Nullable Marker marker,
        String message,
        Object @Nullable [] arguments,
        @Nullable Throwable cause) {
      TOLD.add(message);
    }

    @Override
    protected @Nullable String getFullyQualifiedCallerName() {
      return null;
    }

    @Override
    public boolean isErrorEnabled() {
      return true;
    }

    @Override
    public boolean isWarnEnabled() {
      return true;
    }

    @Override
    public boolean isInfoEnabled() {
      return false;
    }

    @Override
    public boolean isDebugEnabled() {
      return false;
    }

    @Override
    public boolean isTraceEnabled() {
      return false;
    }
  }
}
