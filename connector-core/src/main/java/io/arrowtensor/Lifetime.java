package io.arrowtensor;

/** How long an export of a borrowed array lives. */
public enum Lifetime {
  /**
   * As long as its consumer wants: Arrow memory is retained, other borrowed memory is copied and
   * counted as {@link CopyReason#BORROWED}.
   */
  DETACHED,
  /**
   * Never longer than the batch it came from: no copy. The batch's producer waits a bounded time
   * for the consumer's release when the batch ends, then fails naming the array.
   */
  SCOPE
}
