package io.arrowtensor.flink;

import io.arrowtensor.Options;
import java.lang.invoke.MethodHandle;
import java.nio.ByteBuffer;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.nio.ShortBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.flink.table.data.RowData;
import org.apache.flink.types.RowKind;
import org.jspecify.annotations.Nullable;

/** Reads a table's rows. */
final class RowDataReader extends ElementReader<RowData> {
  private static final long serialVersionUID = 1;

  private final int arity;
  private final @Nullable SlotLayout layout;

  /**
   * @param arity fields of a row
   */
  RowDataReader(List<InputField> fields, int arity) {
    this(fields, arity, null);
  }

  private RowDataReader(List<InputField> fields, int arity, @Nullable SlotLayout layout) {
    super(fields);
    this.arity = arity;
    this.layout = layout;
  }

  @Override
  public InputReader<RowData> strided(Options options) {
    return new RowDataReader(fields(), arity, SlotLayout.of(fields(), arity, options));
  }

  @Override
  @Nullable SlotLayout layout() {
    return layout;
  }

  @Override
  ArrayReader arrays() {
    return new RowDataArrays();
  }

  @Override
  RowKind kind(RowData element) {
    return element.getRowKind();
  }

  @Override
  FieldCopy copyTo(ColumnBuffer[] columns) {
    List<ColumnBuffer> held = new ArrayList<>();
    List<MethodHandle> fields = new ArrayList<>();
    List<MethodHandle> copies = new ArrayList<>();
    for (ColumnBuffer column : columns) {
      MethodHandle copy = copy(column.field, column);
      if (BinarySlots.hold(column.field.type())) {
        held.add(column);
        fields.add(copy);
      } else {
        copies.add(copy);
      }
    }
    if (held.isEmpty()) {
      return RowCopy.of(copies);
    }
    IntStream positions = held.stream().mapToInt(column -> column.field.position());
    long[] nullBits = BinarySlots.nullBits(arity, positions);
    FieldCopy rows = new BinaryCopy(arity, nullBits, copyOfSlots(held), RowCopy.of(fields));
    copies.add(RowCopy.handle(rows));
    return copies.size() == 1 ? rows : RowCopy.of(copies);
  }

  /** Copies the slots of {@code columns} of a row, whose bytes are the element. */
  private FieldCopy copyOfSlots(List<ColumnBuffer> columns) {
    List<MethodHandle> copies = new ArrayList<>();
    ByteBuffer slab = null;
    for (ColumnBuffer column : columns) {
      if (column instanceof SlotBuffer slot) {
        slab = slot.slab();
      } else {
        InputField field = column.field;
        int start = BinarySlots.start(arity, field.position());
        ByteBuffer bytes = ((ScalarBuffer) column).bytes();
        copies.add(RowCopy.handle(BinarySlots.copy(field.type(), start, bytes)));
      }
    }
    if (layout != null && slab != null) {
      copies.add(RowCopy.handle(layout.copy(slab)));
    }
    return RowCopy.of(copies);
  }

  @Override
  MethodHandle copy(InputField field, ColumnBuffer buffer) {
    int position = field.position();
    FieldCopy values = values(field, buffer);
    return RowCopy.handle(
        (row, element) -> {
          if (((RowData) element).isNullAt(position)) {
            buffer.putNull(row);
          } else {
            values.copy(row, element);
          }
        });
  }

  private static FieldCopy values(InputField field, ColumnBuffer buffer) {
    int position = field.position();
    if (buffer instanceof ScalarBuffer scalars) {
      return scalars(field.type(), position, scalars.bytes());
    }
    if (buffer instanceof TensorBuffer tensors) {
      return (row, element) -> tensors.put(row, ((RowData) element).getArray(position));
    }
    if (buffer instanceof SlotBuffer slots) {
      FieldCopy dense = scalars(field.type(), position, slots.bytes());
      int step = slots.step();
      return (row, element) -> dense.copy(row * step, element);
    }
    BytesBuffer bytes = (BytesBuffer) buffer;
    return field.type().requireCell() == Cell.STRING
        ? (row, element) -> bytes.put(row, ((RowData) element).getString(position).toBytes())
        : (row, element) -> bytes.put(row, ((RowData) element).getBinary(position));
  }

  private static FieldCopy scalars(FieldType type, int position, ByteBuffer to) {
    return switch (type.requireCell()) {
      case BOOL ->
          (row, element) -> to.put(row, (byte) (((RowData) element).getBoolean(position) ? 1 : 0));
      case INT8 -> (row, element) -> to.put(row, ((RowData) element).getByte(position));
      case INT16 -> shorts(position, to.asShortBuffer());
      case INT32, DATE, TIME -> ints(position, to.asIntBuffer());
      case INT64 -> longs(position, to.asLongBuffer());
      case FLOAT32 -> floats(position, to.asFloatBuffer());
      case FLOAT64 -> doubles(position, to.asDoubleBuffer());
      case TIMESTAMP -> timestamps(position, type.precision(), to.asLongBuffer());
      case STRING, BINARY -> throw new AssertionError(type);
    };
  }

  private static FieldCopy shorts(int position, ShortBuffer to) {
    return (row, element) -> to.put(row, ((RowData) element).getShort(position));
  }

  private static FieldCopy ints(int position, IntBuffer to) {
    return (row, element) -> to.put(row, ((RowData) element).getInt(position));
  }

  private static FieldCopy longs(int position, LongBuffer to) {
    return (row, element) -> to.put(row, ((RowData) element).getLong(position));
  }

  private static FieldCopy floats(int position, FloatBuffer to) {
    return (row, element) -> to.put(row, ((RowData) element).getFloat(position));
  }

  private static FieldCopy doubles(int position, DoubleBuffer to) {
    return (row, element) -> to.put(row, ((RowData) element).getDouble(position));
  }

  private static FieldCopy timestamps(int position, int precision, LongBuffer to) {
    return (row, element) ->
        to.put(row, RowDataArrays.micros(((RowData) element).getTimestamp(position, precision)));
  }
}
