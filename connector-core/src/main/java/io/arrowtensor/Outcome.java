package io.arrowtensor;

import org.jspecify.annotations.Nullable;

/**
 * What one conversion did with one array's bytes. Exactly one of the three counts is non-zero,
 * except for empty arrays.
 *
 * @param zeroCopyBytes bytes handed over at the source's own address
 * @param decodedBytes bytes written by looking up a dictionary
 * @param copiedBytes bytes copied
 * @param reason why bytes were decoded or copied, null when they were not
 */
public record Outcome(
    long zeroCopyBytes, long decodedBytes, long copiedBytes, @Nullable CopyReason reason) {

  /** {@code bytes} handed over at the source's own address. */
  public static Outcome zeroCopy(long bytes) {
    return new Outcome(bytes, 0, 0, null);
  }

  /**
   * {@code bytes} copied for {@code reason}; counted as decoded when the reason is {@link
   * CopyReason#DICTIONARY}.
   */
  public static Outcome copied(long bytes, CopyReason reason) {
    return reason == CopyReason.DICTIONARY
        ? new Outcome(0, bytes, 0, reason)
        : new Outcome(0, 0, bytes, reason);
  }

  /** Whether no byte was copied or decoded. */
  public boolean isZeroCopy() {
    return reason == null;
  }

  /** {@code zero-copy 4096 B}, {@code copied 32 B (BIT_PACKED)}, ... */
  @Override
  public String toString() {
    if (reason == null) {
      return "zero-copy " + zeroCopyBytes + " B";
    }
    return decodedBytes > 0
        ? "decoded " + decodedBytes + " B"
        : "copied " + copiedBytes + " B (" + reason + ")";
  }
}
