package io.arrowtensor.internal;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Random;
import org.junit.jupiter.api.Test;

class CastsTest {

  /** The bfloat16 nearest to {@code exact}, ties to even, by comparing both neighbours. */
  private static short nearestBfloat(BigDecimal exact) {
    short low = (short) (Float.floatToRawIntBits(exact.abs().floatValue()) >>> 16);
    short best = low;
    for (int candidate = Math.max(0, low - 1); candidate <= low + 1; candidate++) {
      BigDecimal distance = distance(exact, (short) candidate);
      int order = distance.compareTo(distance(exact, best));
      if (order < 0 || (order == 0 && (candidate & 1) == 0)) {
        best = (short) candidate;
      }
    }
    return exact.signum() < 0 ? (short) (best | 0x8000) : best;
  }

  private static BigDecimal distance(BigDecimal exact, short bits) {
    return exact.abs().subtract(new BigDecimal(HalfFloat.bfloatValue(bits))).abs();
  }

  @Test
  void doublesRoundToBfloat16InOneStep() {
    double tie = 1 + 0x1p-8;
    for (double value : new double[] {tie, Math.nextUp(tie), Math.nextDown(tie), 0, 1e-40}) {
      for (double signed : new double[] {value, -value}) {
        assertThat(HalfFloat.bfloatBits(Casts.toOdd(signed)))
            .as("bits of %s", signed)
            .isEqualTo(
                signed == 0
                    ? HalfFloat.bfloatBits((float) signed)
                    : nearestBfloat(new BigDecimal(signed)));
      }
    }
    assertThat(HalfFloat.bfloatBits((float) Math.nextUp(tie)))
        .as("two steps round the other way, so the case is a real one")
        .isNotEqualTo(HalfFloat.bfloatBits(Casts.toOdd(Math.nextUp(tie))));
  }

  @Test
  void longsRoundToBfloat16InOneStep() {
    long tie = (1L << 62) + (1L << 54);
    for (long value : new long[] {tie, tie + 1, tie - 1, -tie - 1, 7, -7, Long.MIN_VALUE}) {
      assertThat(HalfFloat.bfloatBits(Casts.toOdd(value)))
          .as("bits of %d", value)
          .isEqualTo(nearestBfloat(BigDecimal.valueOf(value)));
    }
  }

  @Test
  void doublesRoundToFloat16InOneStep() {
    double tie = 1 + 0x1p-11;
    assertThat(HalfFloat.bits(Casts.toOdd(tie))).isEqualTo(HalfFloat.bits(1f));
    assertThat(HalfFloat.value(HalfFloat.bits(Casts.toOdd(Math.nextUp(tie)))))
        .isEqualTo(1 + 0x1p-10f);
    assertThat(HalfFloat.bits(Casts.toOdd(1e300))).isEqualTo(HalfFloat.bits(Float.MAX_VALUE));
    assertThat(Casts.toOdd(Double.NaN)).isNaN();
    assertThat(Casts.toOdd(Double.NEGATIVE_INFINITY)).isEqualTo(Float.NEGATIVE_INFINITY);
  }

  @Test
  void unsignedLongsRoundToTheNearestDouble() {
    Random random = new Random(7);
    for (int i = 0; i < 10_000; i++) {
      long bits = random.nextLong();
      double expected = new BigInteger(Long.toUnsignedString(bits)).doubleValue();
      assertThat(Casts.unsignedToDouble(bits)).as(Long.toUnsignedString(bits)).isEqualTo(expected);
    }
  }

  @Test
  void doublesFitIntegersWithoutTheirFraction() {
    assertThat(Casts.fits(-128.9, Element.INT8)).isTrue();
    assertThat(Casts.fits(-129, Element.INT8)).isFalse();
    assertThat(Casts.fits(-0x1p63, Element.INT64)).isTrue();
    assertThat(Casts.fits(0x1p63, Element.INT64)).isFalse();
    assertThat(Casts.fits(0x1p63, Element.UINT64)).isTrue();
    assertThat(Casts.fits(Double.NaN, Element.UINT8)).isFalse();
    assertThat(Casts.truncate(0x1p63)).isEqualTo(Long.MIN_VALUE);
    assertThat(Casts.truncate(-3.7)).isEqualTo(-3);
  }
}
