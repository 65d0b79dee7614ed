package io.arrowtensor.flink;

import io.arrowtensor.BatchSchema;
import io.arrowtensor.BatchSchema.Column;
import io.arrowtensor.ColumnKind;
import io.arrowtensor.Options;
import io.arrowtensor.UnsupportedTypeException;
import java.io.Serializable;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.typeinfo.BasicArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.java.typeutils.ObjectArrayTypeInfo;
import org.apache.flink.table.types.logical.ArrayType;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.utils.LogicalTypeChecks;
import org.jspecify.annotations.Nullable;

/**
 * The type of a field, whichever way Flink describes it.
 *
 * @param cell what it holds, null for what no tensor holds
 * @param dimensions how deep arrays are nested in it, 0 for none
 * @param nullable whether it may be null
 * @param precision of a table's timestamp, which decides how a row holds it
 * @param text as Flink writes it
 */
record FieldType(@Nullable Cell cell, int dimensions, boolean nullable, int precision, String text)
    implements Serializable {

  private static final Map<Class<?>, Cell> CELLS =
      Map.ofEntries(
          Map.entry(Boolean.class, Cell.BOOL),
          Map.entry(Byte.class, Cell.INT8),
          Map.entry(Short.class, Cell.INT16),
          Map.entry(Integer.class, Cell.INT32),
          Map.entry(Long.class, Cell.INT64),
          Map.entry(Float.class, Cell.FLOAT32),
          Map.entry(Double.class, Cell.FLOAT64),
          Map.entry(String.class, Cell.STRING),
          Map.entry(LocalDate.class, Cell.DATE),
          Map.entry(LocalTime.class, Cell.TIME),
          Map.entry(LocalDateTime.class, Cell.TIMESTAMP),
          Map.entry(Instant.class, Cell.TIMESTAMP));

  /** The type of a field of a table's row. */
  static FieldType of(LogicalType type) {
    int dimensions = 0;
    LogicalType element = type;
    while (element instanceof ArrayType array) {
      dimensions++;
      element = array.getElementType();
    }
    Cell cell = cell(element);
    int precision = cell == Cell.TIMESTAMP ? LogicalTypeChecks.getPrecision(element) : 0;
    return new FieldType(cell, dimensions, type.isNullable(), precision, type.asSummaryString());
  }

  private static @Nullable Cell cell(LogicalType type) {
    return switch (type.getTypeRoot()) {
      case BOOLEAN -> Cell.BOOL;
      case TINYINT -> Cell.INT8;
      case SMALLINT -> Cell.INT16;
      case INTEGER -> Cell.INT32;
      case BIGINT -> Cell.INT64;
      case FLOAT -> Cell.FLOAT32;
      case DOUBLE -> Cell.FLOAT64;
      case DATE -> Cell.DATE;
      case TIME_WITHOUT_TIME_ZONE -> Cell.TIME;
      case TIMESTAMP_WITHOUT_TIME_ZONE, TIMESTAMP_WITH_LOCAL_TIME_ZONE -> Cell.TIMESTAMP;
      case CHAR, VARCHAR -> Cell.STRING;
      case BINARY, VARBINARY -> Cell.BINARY;
      default -> null;
    };
  }

  /**
   * The type of a Java object's field.
   *
   * @param nullable whether it is an object
   */
  static FieldType of(TypeInformation<?> type, boolean nullable) {
    if (type.equals(PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO)) {
      return new FieldType(Cell.BINARY, 0, nullable, 0, type.toString());
    }
    int dimensions = 0;
    TypeInformation<?> element = type;
    for (TypeInformation<?> c = component(type); c != null; c = component(c)) {
      dimensions++;
      element = c;
    }
    return new FieldType(
        CELLS.get(element.getTypeClass()), dimensions, nullable, 0, type.toString());
  }

  private static @Nullable TypeInformation<?> component(TypeInformation<?> type) {
    if (type instanceof PrimitiveArrayTypeInfo<?> array) {
      return array.getComponentType();
    }
    if (type instanceof BasicArrayTypeInfo<?, ?> array) {
      return array.getComponentInfo();
    }
    return type instanceof ObjectArrayTypeInfo<?, ?> array ? array.getComponentInfo() : null;
  }

  /** What it holds; only of a type that {@link #column} accepted. */
  Cell requireCell() {
    return java.util.Objects.requireNonNull(cell);
  }

  /**
   * The column that a function gets of a field.
   *
   * @throws UnsupportedTypeException naming the field and the remedy
   */
  Column column(String name, Options options) {
    if (cell == null) {
      throw unsupported(name, "cast it to a boolean, a number or an array of them");
    }
    if (cell.storage().compareTo(options.storage()) > 0) {
      throw unsupported(
          name,
          cell.isBytes()
              ? "encode it as numbers first, or ask for Storage.AS_BYTES"
              : "cast it to a number, or ask for Storage.AS_INTEGERS");
    }
    boolean masked = nullable && options.nulls().masks();
    if (cell.isBytes()) {
      if (dimensions > 0) {
        throw unsupported(name, "encode its elements as numbers first");
      }
      ColumnKind kind = cell == Cell.STRING ? ColumnKind.STRING : ColumnKind.BINARY;
      return new Column(name, kind, cell.dtype(), List.of(), masked);
    }
    List<Long> rowShape = Collections.nCopies(dimensions, BatchSchema.DYNAMIC);
    return new Column(name, ColumnKind.ARRAY, cell.dtype(), rowShape, masked);
  }

  private UnsupportedTypeException unsupported(String name, String remedy) {
    return new UnsupportedTypeException(
        "Cannot use field '" + name + "' of type " + text + " as a tensor: " + remedy);
  }
}
