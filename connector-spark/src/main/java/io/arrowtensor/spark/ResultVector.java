package io.arrowtensor.spark;

import io.arrowtensor.ColumnKind;
import io.arrowtensor.CopyReason;
import io.arrowtensor.DType;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;
import io.arrowtensor.Outcome;
import io.arrowtensor.internal.BulkCopy;
import io.arrowtensor.internal.ForeignBuffers;
import io.arrowtensor.internal.RawMemory;
import java.util.Arrays;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.complex.ListVector;
import org.apache.arrow.vector.ipc.message.ArrowFieldNode;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.util.ArrowUtils;
import org.jspecify.annotations.Nullable;

/**
 * A result column as an Arrow vector that Spark can read: over the result's own memory where Spark
 * has the same layout, else converted, counted. Later dimensions become lists.
 */
final class ResultVector {
  private static final Options OPTIONS = Options.defaults();

  private final StructField field;
  private final int rows;
  private final BufferAllocator allocator;
  private final CallMetrics metrics;

  ResultVector(StructField field, int rows, BufferAllocator allocator, CallMetrics metrics) {
    this.field = field;
    this.rows = rows;
    this.allocator = allocator;
    this.metrics = metrics;
  }

  /**
   * The vector, which the caller closes; {@code column} stays the caller's.
   *
   * @param present bitmap of the rows that are not null, null for all; borrowed
   * @throws InterchangeException when the column is not what the function promised
   */
  FieldVector of(DeviceColumn column, @Nullable ArrowBuf present) {
    requirePromised(column);
    column.values().requireHostContiguous("return");
    FieldVector vector =
        ArrowUtils.toArrowField(
                field.name(), field.dataType(), true, "UTC", false, field.metadata())
            .createVector(allocator);
    try (RowBits bits = RowBits.of(column, rows, present, allocator)) {
      if (column.kind() == ColumnKind.ARRAY) {
        load(vector, field.dataType(), column.values(), 0, bits);
      } else {
        loadLists(vector, column, bits);
      }
      return vector;
    } catch (RuntimeException | Error e) {
      vector.close();
      throw e;
    }
  }

  private void requirePromised(DeviceColumn column) {
    if (column.rowCount() != rows) {
      throw new InterchangeException(
          "Invalid result column '"
              + field.name()
              + "': "
              + column.rowCount()
              + " rows for a batch of "
              + rows
              + "; return one row for each row of the batch");
    }
    int dimensions = 1;
    DataType type = field.dataType();
    while (column.kind() == ColumnKind.ARRAY && type instanceof ArrayType array) {
      dimensions++;
      type = array.elementType();
    }
    if (column.values().ndim() != dimensions || !SparkSchemas.holds(type, column)) {
      throw new InterchangeException(
          "Invalid result column '"
              + field.name()
              + "': "
              + column.values()
              + " is not the "
              + field.dataType().simpleString()
              + " that resultSchema promised");
    }
  }

  /** Loads dimension {@code dimension} and those behind it. */
  private void load(
      FieldVector vector, DataType type, DeviceArray values, int dimension, RowBits bits) {
    long count = count(values, dimension);
    if (type instanceof ArrayType array) {
      try (ArrowBuf offsets = offsets(count, values.dim(dimension + 1))) {
        vector.loadFieldBuffers(bits.node(count), Arrays.asList(bits.buffer(), offsets));
      }
      ((ListVector) vector).setLastSet((int) count - 1);
      load(
          ((ListVector) vector).getDataVector(),
          array.elementType(),
          values,
          dimension + 1,
          RowBits.ALL);
      return;
    }
    try (ArrowBuf data = data(type, values)) {
      vector.loadFieldBuffers(bits.node(count), Arrays.asList(bits.buffer(), data));
    }
  }

  private static long count(DeviceArray values, int dimension) {
    long count = 1;
    for (int d = 0; d <= dimension; d++) {
      count = Math.multiplyExact(count, values.dim(d));
    }
    return count;
  }

  private ArrowBuf offsets(long count, long size) {
    ArrowBuf offsets = allocator.buffer(4 * (count + 1));
    for (long i = 0; i <= count; i++) {
      offsets.setInt(4 * i, Math.toIntExact(i * size));
    }
    return offsets;
  }

  private void loadLists(FieldVector vector, DeviceColumn column, RowBits bits) {
    DeviceArray positions = column.offsets();
    if (positions == null) {
      throw new InterchangeException("Invalid result column '" + field.name() + "': no offsets");
    }
    boolean lists = vector instanceof ListVector;
    try (ArrowBuf offsets = narrowOffsets(positions);
        ArrowBuf data = lists ? data(elementType(), column.values()) : shared(column.values())) {
      if (vector instanceof ListVector list) {
        list.loadFieldBuffers(bits.node(rows), Arrays.asList(bits.buffer(), offsets));
        list.setLastSet(rows - 1);
        long elements = column.values().dim(0);
        list.getDataVector()
            .loadFieldBuffers(new ArrowFieldNode(elements, 0), Arrays.asList(null, data));
      } else {
        vector.loadFieldBuffers(bits.node(rows), Arrays.asList(bits.buffer(), offsets, data));
      }
    }
  }

  private DataType elementType() {
    return ((ArrayType) field.dataType()).elementType();
  }

  private ArrowBuf narrowOffsets(DeviceArray positions) {
    positions.requireHostContiguous("return");
    ArrowBuf offsets = allocator.buffer(4L * (rows + 1));
    boolean wide = positions.dtype().equals(DType.INT64);
    for (int i = 0; i <= rows; i++) {
      long at = positions.address() + (wide ? 8L : 4L) * i;
      offsets.setInt(4L * i, wide ? Math.toIntExact(RawMemory.longAt(at)) : RawMemory.intAt(at));
    }
    return offsets;
  }

  /** The values in Spark's layout; shared where that is theirs already. The caller closes it. */
  private ArrowBuf data(DataType type, DeviceArray values) {
    if (type.equals(DataTypes.BooleanType)) {
      long bytes = (values.size() + 7) / 8;
      ArrowBuf bits = allocator.buffer(bytes);
      BulkCopy.packBits(values.address(), values.size(), bits.memoryAddress());
      metrics.add(Outcome.copied(bytes, CopyReason.BIT_PACKED));
      return bits;
    }
    if (Widening.needed(values.dtype())) {
      ArrowBuf wide = Widening.widen(values, allocator);
      metrics.add(Outcome.copied(wide.writerIndex(), CopyReason.CAST));
      return wide;
    }
    return shared(values);
  }

  /** The values at their own address, or copied out of the batch that lent them. */
  private ArrowBuf shared(DeviceArray values) {
    Memory memory = Memory.forExport(values, OPTIONS);
    Outcome outcome = memory.outcome();
    if (outcome != null) {
      metrics.add(outcome);
    }
    return ForeignBuffers.adopt(memory, allocator);
  }
}
