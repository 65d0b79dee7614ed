package io.arrowtensor.python;

import io.arrowtensor.ArraySource;
import io.arrowtensor.DType;
import io.arrowtensor.InvalidStructException;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;
import io.arrowtensor.UnsupportedTypeException;
import io.arrowtensor.internal.Abi.ArrayStruct;
import io.arrowtensor.internal.RawMemory;
import io.arrowtensor.internal.Shapes;

/**
 * NumPy's C struct {@code PyArrayInterface}, by address: what {@code __array_struct__} has in an
 * unnamed capsule, with the exporting object as the capsule's context.
 */
public final class PyArrayInterface {
  private static final String STRUCT = "PyArrayInterface";
  private static final int TWO = 2;

  private PyArrayInterface() {}

  /**
   * Borrows the memory that the struct at {@code address} describes. The caller guarantees that it
   * outlives the array and all exports of it, and that the struct lives until the array is made.
   *
   * @throws InvalidStructException once opened, for values that contradict each other
   * @throws UnsupportedTypeException once opened, for elements that are no numbers, or not in
   *     native byte order
   */
  public static ArraySource borrow(long address) {
    return new Borrowed(options -> read(address, options), null);
  }

  /**
   * As {@link #borrow(long)}; {@code release} runs exactly once, on the thread that closes the
   * array or drops its last export, or at once when the array cannot be made.
   */
  public static ArraySource borrow(long address, Runnable release) {
    return new Borrowed(options -> read(address, options), release);
  }

  /** As {@link #export(ArraySource, Options)} with {@link Options#defaults()}. */
  public static long export(ArraySource source) {
    return export(source, Options.defaults());
  }

  /**
   * Writes a struct over the source's memory, shape and strides behind it.
   *
   * <p><b>Ownership.</b> The struct holds the memory; {@link #delete}, from any thread, releases
   * both. The source may be closed at once.
   *
   * @return the struct's address
   * @throws io.arrowtensor.InterchangeException when the source cannot be exported under these
   *     options; nothing is held then
   */
  public static long export(ArraySource source, Options options) {
    Memory memory = Memory.forExport(source, options);
    try {
      memory.device().requireHostAccessible("describe by a " + STRUCT);
      return write(memory, NumpyType.of(memory.dtype(), "a " + STRUCT));
    } catch (RuntimeException | Error e) {
      memory.release();
      throw e;
    }
  }

  /**
   * Releases the memory of a struct, and the struct; once.
   *
   * @param address from {@link #export}
   */
  public static void delete(long address) {
    Structs.drop(address);
  }

  private static long write(Memory memory, NumpyType type) {
    int ndim = memory.shape().length;
    int itemSize = memory.dtype().itemSize();
    long[] strides = ByteStrides.toBytes(memory.strides(), itemSize);
    long struct = Structs.block(memory, ArrayStruct.SIZE + 16L * ndim);
    long shape = struct + ArrayStruct.SIZE;
    RawMemory.putInt(struct + ArrayStruct.TWO, TWO);
    RawMemory.putInt(struct + ArrayStruct.ND, ndim);
    RawMemory.putByte(struct + ArrayStruct.TYPEKIND, (byte) type.kind);
    RawMemory.putInt(struct + ArrayStruct.ITEMSIZE, itemSize);
    RawMemory.putInt(struct + ArrayStruct.FLAGS, flags(memory, type));
    RawMemory.putLong(struct + ArrayStruct.SHAPE, shape);
    RawMemory.putLong(struct + ArrayStruct.STRIDES, shape + 8L * ndim);
    RawMemory.putLong(struct + ArrayStruct.DATA, memory.start());
    Structs.putLongs(shape, memory.shape());
    Structs.putLongs(shape + 8L * ndim, strides);
    return struct;
  }

  private static int flags(Memory memory, NumpyType type) {
    return ArrayStruct.FLAG_NOTSWAPPED
        | layout(memory)
        | (Structs.isAligned(memory, type.alignment()) ? ArrayStruct.FLAG_ALIGNED : 0)
        | (memory.readOnly() ? 0 : ArrayStruct.FLAG_WRITEABLE);
  }

  private static int layout(Memory memory) {
    long[] shape = memory.shape();
    long[] strides = memory.strides();
    return (Shapes.isRowMajor(shape, strides) ? ArrayStruct.FLAG_C_CONTIGUOUS : 0)
        | (Structs.isColumnMajor(shape, strides) ? ArrayStruct.FLAG_F_CONTIGUOUS : 0);
  }

  private static Memory read(long struct, Options options) {
    Structs.requireAddress(struct, STRUCT);
    int two = RawMemory.intAt(struct + ArrayStruct.TWO);
    if (two != TWO) {
      throw new InvalidStructException(
          "Invalid " + STRUCT + ": its first field is " + two + ", not 2; this is another struct");
    }
    int ndim = Structs.ndim(RawMemory.intAt(struct + ArrayStruct.ND), STRUCT);
    int flags = RawMemory.intAt(struct + ArrayStruct.FLAGS);
    DType dtype = dtype(struct, flags, options);
    long[] shape =
        Structs.longs(RawMemory.longAt(struct + ArrayStruct.SHAPE), ndim, "shape in a " + STRUCT);
    Memory memory =
        Memory.borrow(RawMemory.longAt(struct + ArrayStruct.DATA), dtype, shape)
            .withReadOnly((flags & ArrayStruct.FLAG_WRITEABLE) == 0);
    long strides = RawMemory.longAt(struct + ArrayStruct.STRIDES);
    if (strides != 0) {
      long[] bytes = Structs.longs(strides, ndim, "strides in a " + STRUCT);
      memory = memory.withStrides(ByteStrides.toElements(shape, bytes, dtype.itemSize()));
    }
    requireFlags(memory.checked(), flags);
    return memory;
  }

  private static DType dtype(long struct, int flags, Options options) {
    char kind = (char) (RawMemory.byteAt(struct + ArrayStruct.TYPEKIND) & 0xff);
    int itemSize = RawMemory.intAt(struct + ArrayStruct.ITEMSIZE);
    boolean letter = (kind >= 'A' && kind <= 'Z') || (kind >= 'a' && kind <= 'z');
    if (!letter || itemSize < 1) {
      throw new InvalidStructException(
          "Invalid type in a " + STRUCT + ": kind " + (int) kind + ", " + itemSize + " bytes");
    }
    DType dtype = NumpyType.dtype(kind, itemSize, options.storage(), "" + kind + itemSize);
    if ((flags & ArrayStruct.FLAG_NOTSWAPPED) == 0 && itemSize > 1) {
      throw new UnsupportedTypeException(
          "Cannot read elements of type '"
              + kind
              + itemSize
              + "' in a "
              + STRUCT
              + " without the flag NOTSWAPPED: their bytes are not in this machine's order;"
              + " convert them with a.astype(a.dtype.newbyteorder('='))");
    }
    return dtype;
  }

  /** A consumer may rely on these flags without a look at the strides. */
  private static void requireFlags(Memory memory, int flags) {
    int order = ArrayStruct.FLAG_C_CONTIGUOUS | ArrayStruct.FLAG_F_CONTIGUOUS;
    int promised = flags & order;
    boolean aligned = (flags & ArrayStruct.FLAG_ALIGNED) != 0;
    NumpyType type = NumpyType.of(memory.dtype(), STRUCT);
    if ((promised & ~layout(memory)) != 0
        || (aligned && !Structs.isAligned(memory, type.alignment()))) {
      throw new InvalidStructException(
          "Invalid flags 0x"
              + Integer.toHexString(flags)
              + " in a "
              + STRUCT
              + ": address and strides are not as they say");
    }
  }
}
