package io.arrowtensor;

/**
 * Whether a conversion may copy; the {@code copy} keyword of the array API's {@code from_dlpack}.
 */
public enum Copy {
  /**
   * Share or refuse with a {@link CopyRefusedException} that names the reason. A validity mask,
   * which has no form that could be shared, is made all the same.
   */
  NEVER,
  /** Share where possible, else copy and count the bytes and the reason. */
  IF_NEEDED,
  /** Always copy into new memory that nobody else holds. */
  ALWAYS
}
