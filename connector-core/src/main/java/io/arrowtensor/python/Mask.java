package io.arrowtensor.python;

import io.arrowtensor.CopyReason;
import io.arrowtensor.DType;
import io.arrowtensor.Device;
import io.arrowtensor.Memory;
import io.arrowtensor.Nulls;
import io.arrowtensor.NullsException;
import io.arrowtensor.Options;
import io.arrowtensor.Outcome;
import io.arrowtensor.UnsupportedTypeException;
import io.arrowtensor.internal.BulkCopy;
import io.arrowtensor.internal.Native;
import io.arrowtensor.internal.NativeLibrary;
import io.arrowtensor.internal.NullFill;
import io.arrowtensor.internal.Owner;
import io.arrowtensor.internal.RawMemory;
import io.arrowtensor.internal.Shapes;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The mask of an array in which a null was found or, on a device, could not be excluded.
 *
 * @param values what it masks
 * @param bytes one bool for each leading index of the values; in row-major order where the host can
 *     read it; its owner is this mask's, null where the lender's memory is used
 * @param firstNull the index of the first null among them
 */
record Mask(Memory values, Memory bytes, long firstNull) implements AutoCloseable {
  private static final long ONES = 0x0101010101010101L;
  private static final long HIGH_BITS = 0x8080808080808080L;

  /**
   * The mask that the policy must look at; null where there is none or all values are present. The
   * caller closes it.
   */
  static @Nullable Mask of(@Nullable ArrayInterface mask, Memory values, Options options) {
    if (mask == null || options.nulls().equals(Nulls.ASSUME_NONE)) {
      return null;
    }
    requireLeading(mask.shape(), values.shape());
    boolean bits = mask.type().isBits();
    Memory lent = bits ? bits(mask, values.device()) : bools(mask, values.device());
    long count = Shapes.size(mask.shape());
    if (count == 0) {
      return null;
    }
    if (!values.device().type().isHostAccessible()) {
      requireUnread(values.device(), bits, options.nulls());
      return new Mask(values, lent, 0);
    }
    return bits ? ofBits(values, lent.start(), count, options) : ofBools(values, lent, options);
  }

  private static @Nullable Mask ofBits(Memory values, long bitmap, long count, Options options) {
    NativeLibrary.require();
    if (Native.allSet(bitmap, 0, count)) {
      return null;
    }
    Memory bytes =
        BulkCopy.allocateLike(Memory.borrow(0, DType.BOOL, count), options, CopyReason.VALIDITY);
    BulkCopy.unpackBits(bitmap, 0, count, bytes.address());
    return new Mask(values, bytes, firstNull(bytes));
  }

  private static @Nullable Mask ofBools(Memory values, Memory lent, Options options) {
    boolean straight = Shapes.isRowMajor(lent.shape(), lent.strides());
    Memory bytes = straight ? lent : BulkCopy.rowMajor(lent, options, CopyReason.VALIDITY);
    long first = firstNull(bytes);
    if (first < bytes.nbytes()) {
      return new Mask(values, bytes, first);
    }
    bytes.release();
    return null;
  }

  private static Memory bools(ArrayInterface mask, Device device) {
    if (mask.type().kind() != 'b' || mask.type().size() != 1) {
      throw new UnsupportedTypeException(
          "Cannot read a mask of type '"
              + mask.typestr()
              + "': expected '|b1', one bool a value, or '|t1', one bit");
    }
    long[] strides = mask.strides();
    Memory memory =
        Memory.borrow(mask.address(), DType.BOOL, mask.shape())
            .withReadOnly(mask.isReadOnly())
            .withDevice(device);
    return (strides == null ? memory : memory.withStrides(strides)).checked();
  }

  /** The bytes of a bitmap. */
  private static Memory bits(ArrayInterface mask, Device device) {
    if (mask.strides() != null) {
      throw new UnsupportedTypeException(
          "Cannot read a mask of bits with strides "
              + Arrays.toString(mask.strides())
              + ": expected none, for bits without gaps");
    }
    long count = Shapes.size(mask.shape());
    long bytes = count / 8 + (count % 8 == 0 ? 0 : 1);
    return Memory.borrow(mask.address(), DType.UINT8, bytes).withDevice(device).checked();
  }

  /** A mask has the dimensions of the values, of which trailing ones may be 1. */
  private static void requireLeading(long[] mask, long[] shape) {
    int leading = mask.length;
    while (leading > 1 && mask[leading - 1] == 1) {
      leading--;
    }
    if (mask.length != shape.length || !Arrays.equals(mask, 0, leading, shape, 0, leading)) {
      throw new UnsupportedTypeException(
          "Cannot read a mask of shape "
              + Arrays.toString(mask)
              + " for values of shape "
              + Arrays.toString(shape)
              + ": expected one value a row, or one an element, in as many dimensions");
    }
  }

  private static void requireUnread(Device device, boolean bits, Nulls policy) {
    if (policy.fills() || !policy.masks()) {
      throw new NullsException(
          "Cannot look for nulls in memory on "
              + device
              + ": the host cannot reach its mask; promise that there are none with"
              + " Nulls.ASSUME_NONE, or take the mask with Nulls.MASK and DeviceColumn.from");
    }
    if (bits) {
      throw new UnsupportedTypeException(
          "Cannot hand out a mask of bits on "
              + device
              + " as one bool a row: the host cannot reach it; promise that there are no nulls"
              + " with Nulls.ASSUME_NONE, or ask the producer for a mask of bools");
    }
  }

  /** Eight at a time; the number of bytes when none is 0. */
  private static long firstNull(Memory bytes) {
    long count = bytes.nbytes();
    long at = bytes.start();
    long i = 0;
    while (i + 8 <= count && !hasZero(RawMemory.longAt(at + i))) {
      i += 8;
    }
    while (i < count && RawMemory.byteAt(at + i) != 0) {
      i++;
    }
    return i;
  }

  private static boolean hasZero(long eightBytes) {
    return ((eightBytes - ONES) & ~eightBytes & HIGH_BITS) != 0;
  }

  private long rows() {
    return values.shape().length == 0 ? 1 : values.shape()[0];
  }

  /** The row of the first null. */
  long firstNullRow() {
    return firstNull / (bytes.nbytes() / rows());
  }

  /**
   * Writes the policy's value into the null slots of {@code copy}, a row-major copy of the values.
   */
  void fill(Memory copy, Nulls policy) {
    long groups = bytes.nbytes();
    long groupSize = Shapes.size(copy.shape()) / groups;
    NullFill.fill(
        copy.address(), copy.dtype(), groups, groupSize, bytes.start(), policy.fillValue());
  }

  /**
   * One bool a row, in the lender's memory where it has such; the caller releases it.
   *
   * @throws UnsupportedTypeException for a mask of the elements in a row
   */
  Memory validity(Loan loan) {
    if (bytes.nbytes() != rows()) {
      throw new UnsupportedTypeException(
          "Cannot hand out a mask of shape "
              + Arrays.toString(bytes.shape())
              + " as validity, which is one bool a row; choose"
              + " Options.withNulls(Nulls.fill(value))");
    }
    Memory validity =
        Memory.borrow(bytes.start(), DType.BOOL, rows())
            .withStrides(bytes.strides()[0])
            .withDevice(bytes.device())
            .withReady(values.ready())
            .withReadOnly(bytes.readOnly());
    Owner copy = bytes.owner();
    Outcome outcome = bytes.outcome();
    return copy == null || outcome == null
        ? validity.withOwner(loan.reference())
        : validity.withOwner(copy.retain()).withOutcome(outcome);
  }

  /** Frees the bytes where they are a copy. */
  @Override
  public void close() {
    bytes.release();
  }
}
