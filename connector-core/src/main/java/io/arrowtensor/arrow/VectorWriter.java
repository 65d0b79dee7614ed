package io.arrowtensor.arrow;

import io.arrowtensor.Access;
import io.arrowtensor.ArraySource;
import io.arrowtensor.Copy;
import io.arrowtensor.CopyReason;
import io.arrowtensor.CopyRefusedException;
import io.arrowtensor.DType;
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
      Memory memory = Memory.forExportContiguous(o -> inMemoryOrder(source.open(o)), options);
      int rows = memory.shape().length == 0 ? 1 : (int) memory.shape()[0]; // checked by fitted
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
      memory.device().requireHostAccessible("make a vector over");
      return leaf(memory).getType() instanceof ArrowType.Bool ? packed(memory) : memory;
    } catch (RuntimeException | Error e) {
      memory.release();
      throw e;
    }
  }

  /** The dimensions in memory order where the field is a tensor's. Releases on failure. */
  private Memory inMemoryOrder(Memory memory) {
    try {
      TensorMetadata tensor = TensorFields.metadata(field);
      return tensor == null || memory.shape().length != tensor.shape().length + 1
          ? memory
          : inMemoryOrder(memory, tensor);
    } catch (RuntimeException | Error e) {
      memory.release();
      throw e;
    }
  }

  private Memory inMemoryOrder(Memory memory, TensorMetadata tensor) {
    int[] permutation = tensor.permutation();
    long[] shape = memory.shape().clone();
    long[] strides = memory.strides().clone();
    for (int d = 0; d < permutation.length; d++) {
      shape[permutation[d] + 1] = memory.shape()[d + 1];
      strides[permutation[d] + 1] = memory.strides()[d + 1];
    }
    if (!Arrays.equals(shape, 1, shape.length, tensor.shape(), 0, tensor.shape().length)) {
      throw unfit(memory);
    }
    return new Memory(
        memory.address(),
        memory.dtype(),
        shape,
        strides,
        memory.offset(),
        memory.device(),
        List.of(),
        memory.readOnly(),
        memory.owner(),
        memory.scope(),
        memory.outcome(),
        memory.ready());
  }

  /**
   * The field that holds the elements; checks type and list sizes. The innermost list may hold
   * several dimensions, as a tensor's does.
   */
  private Field leaf(Memory memory) {
    long[] shape = memory.shape();
    Field level = field;
    long values = requireInt(shape.length == 0 ? 1 : shape[0]);
    int d = 1;
    while (level.getType() instanceof ArrowType.FixedSizeList list) {
      level = level.getChildren().get(0);
      boolean last = !(level.getType() instanceof ArrowType.FixedSizeList);
      int end = Math.min(shape.length, last ? shape.length : d + 1);
      if (d > end || Shapes.size(Arrays.copyOfRange(shape, d, end)) != list.getListSize()) {
        throw unfit(memory);
      }
      d = end;
      values = requireInt(values * list.getListSize());
    }
    DType expected = ElementTypes.of(Element.of(level), Storage.AS_INTEGERS);
    if (!expected.equals(memory.dtype()) || values != Shapes.size(shape)) {
      throw unfit(memory);
    }
    return level;
  }

  private UnsupportedTypeException unfit(Memory memory) {
    return new UnsupportedTypeException(
        "Cannot make a vector of field "
            + field
            + " over an array of shape "
            + Arrays.toString(memory.shape())
            + " and type "
            + memory.dtype()
            + ": take the field from Vectors.tensorField or Vectors.listField");
  }

  private static long requireInt(long values) {
    if (values > Integer.MAX_VALUE) {
      throw new UnsupportedTypeException(
          "Cannot hold "
              + values
              + " values in an Arrow vector: the limit is 2^31 - 1; split the array");
    }
    return values;
  }

  private Memory packed(Memory bytes) {
    if (options.copy() == Copy.NEVER) {
      throw new CopyRefusedException(
          "Cannot share an array as "
              + field
              + ": a copy is needed ("
              + CopyReason.BIT_PACKED
              + ") and Copy.NEVER forbids it; take the field from Vectors.tensorField, or allow it"
              + " with Options.withCopy(Copy.IF_NEEDED)");
    }
    long count = bytes.nbytes();
    Memory bits =
        BulkCopy.allocateLike(
            Memory.borrow(0, DType.UINT8, (count + 7) / 8), options, CopyReason.BIT_PACKED);
    BulkCopy.packBits(bytes.start(), count, bits.address());
    bytes.release();
    return bits;
  }

  /** Takes over {@code data}. */
  private FieldVector load(int rows, ArrowBuf data, @Nullable ArrowBuf validity) {
    try (data) {
      FieldVector vector = emptyVector();
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
      }
    }
  }

  private FieldVector emptyVector() {
    try {
      return field.createVector(allocator);
    } catch (UnsupportedOperationException e) {
      throw new UnsupportedTypeException(
          "Cannot make a vector of field "
              + field
              + ": the Arrow on the class path has none ("
              + e.getMessage()
              + "); use a newer Arrow");
    }
  }

  private void load(FieldVector level, int count, @Nullable ArrowBuf bitmap, ArrowBuf... data) {
    boolean own = bitmap == null && options.access() == Access.WRITABLE;
    ArrowBuf[] buffers = new ArrowBuf[data.length + 1];
    System.arraycopy(data, 0, buffers, 1, data.length);
    buffers[0] = bitmap != null ? bitmap : own ? ownOnes(count) : OnesBitmap.of(count);
    try {
      level.loadFieldBuffers(
          new ArrowFieldNode(count, bitmap == null ? 0 : -1), Arrays.asList(buffers));
    } finally {
      if (own) {
        buffers[0].close();
      }
    }
  }

  private ArrowBuf ownOnes(int count) {
    long bytes = (count + 7L) / 8;
    ArrowBuf bitmap = allocator.buffer(Math.max(1, bytes));
    RawMemory.fill(bitmap.memoryAddress(), bytes, (byte) 0xff);
    return bitmap;
  }
}
