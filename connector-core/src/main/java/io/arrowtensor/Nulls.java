package io.arrowtensor;

import java.io.Serializable;

/**
 * What happens to null slots, whose memory holds garbage. Tensors have no nulls, so a conversion
 * needs a policy; none of them ever lets a null slot's garbage reach an engine unnoticed.
 */
public final class Nulls implements Serializable {
  private static final long serialVersionUID = 1;

  /**
   * Refuse with a {@link NullsException} that names the column and the first null row (default).
   * Costs nothing where nulls are known to be absent: no validity buffer, a non-nullable field, a
   * null count of 0; else an early-exit scan of the validity bitmap.
   */
  public static final Nulls REJECT = new Nulls(Kind.REJECT, 0);

  /**
   * Keep the values as they are and hand out {@link DeviceColumn#validity()} beside them, one bool
   * a row, true = value present.
   */
  public static final Nulls MASK = new Nulls(Kind.MASK, 0);

  /**
   * Null in, null out: null slots are computed on 0 and the rows of the result are null again. The
   * default of SQL functions. The column carries its validity.
   */
  public static final Nulls PROPAGATE = new Nulls(Kind.PROPAGATE, 0);

  /** The caller's promise that there are none: nothing is scanned. */
  public static final Nulls ASSUME_NONE = new Nulls(Kind.ASSUME_NONE, 0);

  private final Kind kind;
  private final double value;

  private enum Kind {
    REJECT,
    MASK,
    PROPAGATE,
    ASSUME_NONE,
    FILL
  }

  private Nulls(Kind kind, double value) {
    this.kind = kind;
    this.value = value;
  }

  /**
   * Replace null slots by {@code value}, converted to the column's type by a Java cast (NaN becomes
   * 0 in integers). Copies only a column that has a null.
   */
  public static Nulls fill(double value) {
    return new Nulls(Kind.FILL, value);
  }

  /** Whether null slots are overwritten: {@link #fill} and {@link #PROPAGATE}. */
  public boolean fills() {
    return kind == Kind.FILL || kind == Kind.PROPAGATE;
  }

  /** Whether the column carries a validity array: {@link #MASK} and {@link #PROPAGATE}. */
  public boolean masks() {
    return kind == Kind.MASK || kind == Kind.PROPAGATE;
  }

  /** The value written into null slots by policies that fill. */
  public double fillValue() {
    return value;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Nulls that
        && kind == that.kind
        && Double.compare(value, that.value) == 0;
  }

  @Override
  public int hashCode() {
    return kind.name().hashCode() * 31 + Double.hashCode(value);
  }

  /** {@code REJECT}, {@code FILL(0.0)}, ... */
  @Override
  public String toString() {
    return kind == Kind.FILL ? "FILL(" + value + ")" : kind.name();
  }
}
