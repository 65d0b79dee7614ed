package io.arrowtensor.arrow;

import io.arrowtensor.InvalidStructException;
import java.util.Map;
import org.apache.arrow.vector.types.DateUnit;
import org.apache.arrow.vector.types.FloatingPointPrecision;
import org.apache.arrow.vector.types.IntervalUnit;
import org.apache.arrow.vector.types.TimeUnit;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.jspecify.annotations.Nullable;

/** The format strings of the C Data Interface. */
final class Formats {
  private static final Map<String, ArrowType> PLAIN =
      Map.ofEntries(
          Map.entry("n", new ArrowType.Null()),
          Map.entry("b", new ArrowType.Bool()),
          Map.entry("c", new ArrowType.Int(8, true)),
          Map.entry("C", new ArrowType.Int(8, false)),
          Map.entry("s", new ArrowType.Int(16, true)),
          Map.entry("S", new ArrowType.Int(16, false)),
          Map.entry("i", new ArrowType.Int(32, true)),
          Map.entry("I", new ArrowType.Int(32, false)),
          Map.entry("l", new ArrowType.Int(64, true)),
          Map.entry("L", new ArrowType.Int(64, false)),
          Map.entry("e", new ArrowType.FloatingPoint(FloatingPointPrecision.HALF)),
          Map.entry("f", new ArrowType.FloatingPoint(FloatingPointPrecision.SINGLE)),
          Map.entry("g", new ArrowType.FloatingPoint(FloatingPointPrecision.DOUBLE)),
          Map.entry("z", new ArrowType.Binary()),
          Map.entry("Z", new ArrowType.LargeBinary()),
          Map.entry("u", new ArrowType.Utf8()),
          Map.entry("U", new ArrowType.LargeUtf8()),
          Map.entry("tdD", new ArrowType.Date(DateUnit.DAY)),
          Map.entry("tdm", new ArrowType.Date(DateUnit.MILLISECOND)),
          Map.entry("tts", new ArrowType.Time(TimeUnit.SECOND, 32)),
          Map.entry("ttm", new ArrowType.Time(TimeUnit.MILLISECOND, 32)),
          Map.entry("ttu", new ArrowType.Time(TimeUnit.MICROSECOND, 64)),
          Map.entry("ttn", new ArrowType.Time(TimeUnit.NANOSECOND, 64)),
          Map.entry("tDs", new ArrowType.Duration(TimeUnit.SECOND)),
          Map.entry("tDm", new ArrowType.Duration(TimeUnit.MILLISECOND)),
          Map.entry("tDu", new ArrowType.Duration(TimeUnit.MICROSECOND)),
          Map.entry("tDn", new ArrowType.Duration(TimeUnit.NANOSECOND)),
          Map.entry("tiM", new ArrowType.Interval(IntervalUnit.YEAR_MONTH)),
          Map.entry("tiD", new ArrowType.Interval(IntervalUnit.DAY_TIME)),
          Map.entry("tin", new ArrowType.Interval(IntervalUnit.MONTH_DAY_NANO)),
          Map.entry("+l", new ArrowType.List()),
          Map.entry("+L", new ArrowType.LargeList()),
          Map.entry("+m", new ArrowType.Map(false)),
          Map.entry("+s", new ArrowType.Struct()));

  private Formats() {}

  /** The type of {@code format}. */
  static ArrowType parse(String format) {
    ArrowType plain = PLAIN.get(format);
    if (plain != null) {
      return plain;
    }
    int colon = format.indexOf(':');
    ArrowType parsed =
        colon < 0
            ? null
            : parameterized(format.substring(0, colon), format.substring(colon + 1), format);
    if (parsed == null) {
      throw new InvalidStructException(
          "Cannot read format '" + format + "' of an ArrowSchema: this library does not know it");
    }
    return parsed;
  }

  private static @Nullable ArrowType parameterized(String kind, String parameter, String format) {
    return switch (kind) {
      case "w" -> new ArrowType.FixedSizeBinary(number(parameter, format));
      case "+w" -> new ArrowType.FixedSizeList(number(parameter, format));
      case "tss" -> timestamp(TimeUnit.SECOND, parameter);
      case "tsm" -> timestamp(TimeUnit.MILLISECOND, parameter);
      case "tsu" -> timestamp(TimeUnit.MICROSECOND, parameter);
      case "tsn" -> timestamp(TimeUnit.NANOSECOND, parameter);
      case "d" -> decimal(parameter, format);
      default -> null;
    };
  }

  private static ArrowType timestamp(TimeUnit unit, String zone) {
    return new ArrowType.Timestamp(unit, zone.isEmpty() ? null : zone);
  }

  private static ArrowType decimal(String parameter, String format) {
    String[] parts = parameter.split(",", -1);
    if (parts.length < 2 || parts.length > 3) {
      throw new InvalidStructException(
          "Invalid format '" + format + "' of an ArrowSchema: expected d:precision,scale");
    }
    return new ArrowType.Decimal(
        number(parts[0], format),
        integer(parts[1], format),
        parts.length == 3 ? number(parts[2], format) : 128);
  }

  private static int number(String text, String format) {
    int value = integer(text, format);
    if (value < 0) {
      throw invalidNumber(text, format, "a number that is not negative");
    }
    return value;
  }

  private static int integer(String text, String format) {
    try {
      return Integer.parseInt(text);
    } catch (NumberFormatException e) {
      throw invalidNumber(text, format, "a 32-bit number");
    }
  }

  private static InvalidStructException invalidNumber(String text, String format, String expected) {
    return new InvalidStructException(
        "Invalid format '"
            + format
            + "' of an ArrowSchema: expected "
            + expected
            + ", got '"
            + text
            + "'");
  }

  /** The format of a type that {@link ElementTypes#arrowType} gives. */
  static String of(ArrowType type) {
    if (type instanceof ArrowType.FixedSizeBinary binary) {
      return "w:" + binary.getByteWidth();
    }
    for (Map.Entry<String, ArrowType> entry : PLAIN.entrySet()) {
      if (entry.getValue().equals(type)) {
        return entry.getKey();
      }
    }
    throw new IllegalArgumentException("No format for " + type);
  }
}
