package io.arrowtensor.arrow;

import io.arrowtensor.Access;
import io.arrowtensor.ArraySource;
import io.arrowtensor.CopyReason;
import io.arrowtensor.DType;
import io.arrowtensor.DeviceMismatchException;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;
import io.arrowtensor.Storage;
import io.arrowtensor.UnsupportedTypeException;
import io.arrowtensor.internal.BulkCopy;
import io.arrowtensor.internal.ForeignBuffers;
import io.arrowtensor.internal.OnesBitmap;
import io.arrowtensor.internal.RawMemory;
import io.arrowtensor.internal.Shapes;
import java.util.Arrays;
import java.util.List;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.ipc.message.ArrowFieldNode;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.Field;
import org.jspecify.annotations.Nullable;

/** Makes a vector of one field over an array's memory. Used once. */
final class VectorWriter {
  private final Field field;
  private final BufferAllocator allocator;
  private final Options options;

  VectorWriter(Field field, BufferAllocator allocator, Options options) {
    this.field = field;
    this.allocator = allocator;
    this.options = options.allocator() == null ? options.withAllocator(allocator) : options;
  }

  /** A vector without nulls. */
  FieldVector write(ArraySource source) {
    return write(source, null);
  }

  /**
   * A vector with {@code validity}, a bitmap whose reference passes to the vector; without one all
   * rows are valid.
   */
  FieldVector write(ArraySource source, @Nullable ArrowBuf validity) {
    try {
      ArraySource ordered = o -> physical(source.open(o));
      Memory memory = Memory.forExportContiguous(ordered, options);
      int rows =
          memory.shape().length == 0 ? 1 : (int) Math.min(Integer.MAX_VALUE, memory.shape()[0]);
      return load(rows, ForeignBuffers.adopt(fitted(memory), allocator), validity);
    } finally {
      if (validity != null) {
        validity.close();
      }
    }
  }

  /**
   * Checks that the vector can hold {@code memory}; packs booleans where the field wants bits.
   * Releases on failure.
   */
  private Memory fitted(Memory memory) {
    try {
      if (!memory.device().type().isHostAccessible()) {
        throw new DeviceMismatchException(
            "Cannot make a vector over memory on "
                + memory.device()
                + ": Arrow vectors are read by the host");
      }
      long elements = Shapes.size(memory.shape());
      requireInt(elements);
      return leaf(memory).getType() instanceof ArrowType.Bool ? packed(memory, elements) : memory;
    } catch (RuntimeException | Error e) {
      memory.release();
      throw e;
    }
  }

  /** The dimensions in memory order where the field states a permutation. Releases nothing. */
  private Memory physical(Memory memory) {
    int[] permutation = TensorFields.permutation(field);
    if (permutation == null || memory.shape().length != permutation.length + 1) {
      return memory;
    }
    long[] shape = memory.shape().clone();
    long[] strides = memory.strides().clone();
    for (int d = 0; d < permutation.length; d++) {
      shape[permutation[d] + 1] = memory.shape()[d + 1];
      strides[permutation[d] + 1] = memory.strides()[d + 1];
    }
    return new Memory(
        memory.address(),
        memory.dtype(),
        shape,
        strides,
        memory.byteOffset(),
        memory.device(),
        List.of(),
        memory.readOnly(),
        memory.owner(),
        memory.scope(),
        memory.outcome());
  }

  /** The field that holds the elements; checks type and list sizes. */
  private Field leaf(Memory memory) {
    Field level = field;
    long size = memory.shape().length == 0 ? 1 : memory.shape()[0];
    while (level.getType() instanceof ArrowType.FixedSizeList list) {
      size = Math.multiplyExact(size, (long) list.getListSize());
      level = level.getChildren().get(0);
    }
    DType expected = ElementTypes.of(Element.of(level), Storage.AS_INTEGERS);
    if (!expected.equals(memory.dtype()) || size != Shapes.size(memory.shape())) {
      throw new UnsupportedTypeException(
          "Cannot make a vector of field "
              + field
              + " over an array of shape "
              + Arrays.toString(memory.shape())
              + " and type "
              + memory.dtype()
              + ": take the field from Vectors.tensorField or Vectors.listField");
    }
    return level;
  }

  private static void requireInt(long elements) {
    if (elements > Integer.MAX_VALUE) {
      throw new UnsupportedTypeException(
          "Cannot hold "
              + elements
              + " elements in an Arrow vector: the limit is 2^31 - 1; split the array");
    }
  }

  private Memory packed(Memory bytes, long count) {
    Memory bits =
        BulkCopy.allocateLike(
            Memory.borrow(0, DType.UINT8, (count + 7) / 8), options, CopyReason.BIT_PACKED);
    BulkCopy.packBits(bytes.start(), count, bits.address());
    bytes.release();
    return bits;
  }

  /** Takes over {@code data}. */
  private FieldVector load(int rows, ArrowBuf data, @Nullable ArrowBuf validity) {
    FieldVector vector = field.createVector(allocator);
    try {
      FieldVector level = vector;
      int count = rows;
      ArrowBuf bitmap = validity;
      while (level.getField().getType() instanceof ArrowType.FixedSizeList list) {
        load(level, count, bitmap);
        bitmap = null;
        count *= list.getListSize();
        level = level.getChildrenFromFields().get(0);
      }
      load(level, count, bitmap, data);
      return vector;
    } catch (RuntimeException | Error e) {
      vector.close();
      throw e;
    } finally {
      data.close();
    }
  }

  private void load(FieldVector level, int count, @Nullable ArrowBuf bitmap, ArrowBuf... data) {
    ArrowBuf[] buffers = new ArrowBuf[data.length + 1];
    System.arraycopy(data, 0, buffers, 1, data.length);
    boolean own = bitmap == null && options.access() == Access.WRITABLE;
    buffers[0] = bitmap != null ? bitmap : own ? ownOnes(count) : OnesBitmap.of(count);
    level.loadFieldBuffers(
        new ArrowFieldNode(count, bitmap == null ? 0 : -1), Arrays.asList(buffers));
    if (own) {
      buffers[0].close();
    }
  }

  private ArrowBuf ownOnes(int count) {
    long bytes = (count + 7L) / 8;
    ArrowBuf bitmap = allocator.buffer(Math.max(1, bytes));
    RawMemory.fill(bitmap.memoryAddress(), bytes, (byte) 0xff);
    return bitmap;
  }
}
