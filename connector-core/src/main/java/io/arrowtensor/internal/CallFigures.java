package io.arrowtensor.internal;

import io.arrowtensor.CopyReason;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceBatch;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.Outcome;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What a connector counts of its calls, under the names that every engine shows. How and on which
 * threads a figure is kept is the connector's.
 */
public abstract class CallFigures {
  public static final String BATCHES = "batches";
  public static final String ROWS = "rows";
  public static final String ZERO_COPY = "zeroCopyBytes";
  public static final String DECODED = "decodedBytes";

  /** Bytes copied; a figure of its own for each reason, see {@link #copied}. */
  public static final String COPIED = "copiedBytes";

  /** Nanoseconds in the function. */
  public static final String FUNCTION_TIME = "functionTime";

  /** Nanoseconds in which models were loaded. */
  public static final String MODEL_LOAD_TIME = "modelLoadTime";

  private static final Map<CopyReason, String> COPIED_FOR = new EnumMap<>(CopyReason.class);

  static {
    for (CopyReason reason : CopyReason.values()) {
      COPIED_FOR.put(reason, COPIED + "." + reason);
    }
  }

  /** The reasons for which bytes count as copied; dictionaries count as decoded. */
  public static List<CopyReason> copyReasons() {
    List<CopyReason> reasons = new ArrayList<>(List.of(CopyReason.values()));
    reasons.remove(CopyReason.DICTIONARY);
    return reasons;
  }

  /** The name of the figure for bytes copied for {@code reason}. */
  public static String copied(CopyReason reason) {
    return Objects.requireNonNull(COPIED_FOR.get(reason));
  }

  /**
   * Adds to the figure called {@code name}.
   *
   * @throws IllegalArgumentException when there is none
   */
  public abstract void add(String name, long value);

  /** Adds what one conversion did. */
  public void add(Outcome outcome) {
    if (outcome.zeroCopyBytes() > 0) {
      add(ZERO_COPY, outcome.zeroCopyBytes());
    }
    if (outcome.decodedBytes() > 0) {
      add(DECODED, outcome.decodedBytes());
    }
    CopyReason reason = outcome.reason();
    if (reason != null && outcome.copiedBytes() > 0) {
      add(copied(reason), outcome.copiedBytes());
    }
  }

  /** Adds what it took to make the arrays of {@code batch}. */
  public void add(DeviceBatch batch) {
    for (DeviceColumn column : batch.columns()) {
      add(column.values());
      add(column.validity());
      add(column.offsets());
    }
  }

  private void add(@Nullable DeviceArray array) {
    if (array != null) {
      add(array.outcome());
    }
  }
}
