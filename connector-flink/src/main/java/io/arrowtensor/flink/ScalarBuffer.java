package io.arrowtensor.flink;

import io.arrowtensor.CopyReason;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.InterchangeException;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;
import io.arrowtensor.internal.Native;
import io.arrowtensor.internal.NullFill;
import io.arrowtensor.internal.RawMemory;
import io.arrowtensor.internal.Scope;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.nio.ShortBuffer;

/** A column of scalars: its part of the slab of all columns of its type. */
final class ScalarBuffer extends ColumnBuffer {
  private final long address;
  private final int width;
  private final long fillBits;
  private final ByteBuffer bytes;
  private Memory described;

  /**
   * @param address of its first element; {@link InputBatch} frees the slab
   */
  ScalarBuffer(InputField field, long address, int capacity, Options options) {
    super(field, requireWindow(field, capacity), options);
    this.address = address;
    this.width = field.column().dtype().itemSize();
    this.bytes = Native.byteBuffer(address, (long) capacity * width).order(ByteOrder.nativeOrder());
    this.described = describe(capacity);
    this.fillBits = NullFill.bits(field.column().dtype(), options.nulls().fillValue());
  }

  private static int requireWindow(InputField field, int capacity) {
    long size = (long) capacity * field.column().dtype().itemSize();
    if (size > Integer.MAX_VALUE) {
      throw new InterchangeException(
          "Cannot gather field '"
              + field.name()
              + "': the values of "
              + capacity
              + " rows take "
              + size
              + " bytes, more than 2 GiB; make batches smaller with maxRows(...)");
    }
    return capacity;
  }

  /** The address of a row's value. */
  long at(int row) {
    return address + (long) row * width;
  }

  /** The column's memory, in native order. */
  ByteBuffer bytes() {
    return bytes;
  }

  /** Writes a value of the primitive type of {@code cell}: {@code (int row, type value)}. */
  MethodHandle put(Cell cell) {
    return switch (cell) {
      case BOOL ->
          MethodHandles.explicitCastArguments( // true is 1
              put(ByteBuffer.class, bytes, byte.class),
              MethodType.methodType(void.class, int.class, boolean.class));
      case INT8 -> put(ByteBuffer.class, bytes, byte.class);
      case INT16 -> put(ShortBuffer.class, bytes.asShortBuffer(), short.class);
      case INT32 -> put(IntBuffer.class, bytes.asIntBuffer(), int.class);
      case INT64 -> put(LongBuffer.class, bytes.asLongBuffer(), long.class);
      case FLOAT32 -> put(FloatBuffer.class, bytes.asFloatBuffer(), float.class);
      case FLOAT64 -> put(DoubleBuffer.class, bytes.asDoubleBuffer(), double.class);
      default -> throw new AssertionError(cell);
    };
  }

  private static <B> MethodHandle put(Class<B> buffer, B to, Class<?> value) {
    try {
      MethodHandle put =
          MethodHandles.lookup()
              .findVirtual(buffer, "put", MethodType.methodType(buffer, int.class, value))
              .bindTo(to);
      return put.asType(put.type().changeReturnType(void.class));
    } catch (ReflectiveOperationException e) {
      throw new LinkageError(buffer.getName() + ".put", e);
    }
  }

  @Override
  void fill(int row) {
    switch (width) {
      case 1 -> RawMemory.putByte(at(row), (byte) fillBits);
      case 2 -> RawMemory.putShort(at(row), (short) fillBits);
      case 4 -> RawMemory.putInt(at(row), (int) fillBits);
      default -> RawMemory.putLong(at(row), fillBits);
    }
  }

  @Override
  DeviceColumn values(int rows, Scope scope) {
    if (described.shape()[0] != rows) {
      described = describe(rows);
    }
    return DeviceColumn.of(field.name(), DeviceArray.from(described.withScope(scope), options));
  }

  private Memory describe(int rows) {
    return describe(address, field.column().dtype(), CopyReason.ROWS, rows);
  }
}
