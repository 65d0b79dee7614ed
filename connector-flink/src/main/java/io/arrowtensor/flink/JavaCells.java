package io.arrowtensor.flink;

import io.arrowtensor.internal.RawMemory;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;

/** Single Java objects as what a tensor holds. */
final class JavaCells {
  private static final int NANOS_PER_MILLI = 1_000_000;

  private JavaCells() {}

  /**
   * Writes {@code value} to {@code at}.
   *
   * @throws ClassCastException when it is not what {@code cell} says
   */
  static void put(Object value, Cell cell, long at) {
    switch (cell) {
      case BOOL -> RawMemory.putByte(at, (byte) ((Boolean) value ? 1 : 0));
      case INT8 -> RawMemory.putByte(at, (Byte) value);
      case INT16 -> RawMemory.putShort(at, (Short) value);
      case INT32 -> RawMemory.putInt(at, (Integer) value);
      case INT64 -> RawMemory.putLong(at, (Long) value);
      case FLOAT32 -> RawMemory.putFloat(at, (Float) value);
      case FLOAT64 -> RawMemory.putDouble(at, (Double) value);
      case DATE -> RawMemory.putInt(at, Math.toIntExact(((LocalDate) value).toEpochDay()));
      case TIME ->
          RawMemory.putInt(at, (int) (((LocalTime) value).toNanoOfDay() / NANOS_PER_MILLI));
      case TIMESTAMP -> RawMemory.putLong(at, micros(value));
      case STRING, BINARY -> throw new AssertionError(cell);
    }
  }

  private static long micros(Object value) {
    Instant instant =
        value instanceof LocalDateTime local ? local.toInstant(ZoneOffset.UTC) : (Instant) value;
    return ChronoUnit.MICROS.between(Instant.EPOCH, instant);
  }

  /** The bytes of a string or an array of bytes. */
  static byte[] bytes(Object value, Cell cell) {
    return cell == Cell.STRING ? ((String) value).getBytes(StandardCharsets.UTF_8) : (byte[]) value;
  }
}
