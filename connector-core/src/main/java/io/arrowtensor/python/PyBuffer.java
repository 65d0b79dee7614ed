package io.arrowtensor.python;

import io.arrowtensor.ArraySource;
import io.arrowtensor.CopyRefusedException;
import io.arrowtensor.DType;
import io.arrowtensor.InvalidStructException;
import io.arrowtensor.Memory;
import io.arrowtensor.Options;
import io.arrowtensor.UnsupportedTypeException;
import io.arrowtensor.internal.Abi.BufferView;
import io.arrowtensor.internal.RawMemory;
import io.arrowtensor.internal.Shapes;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** CPython's {@code Py_buffer} (PEP 3118), by address. */
public final class PyBuffer {
  private static final String STRUCT = "Py_buffer";

  private PyBuffer() {}

  /**
   * Borrows the memory of a filled {@code Py_buffer}. The caller guarantees that it is not released
   * before the array and all exports of it are.
   *
   * @throws InvalidStructException once opened, for values that contradict each other
   * @throws UnsupportedTypeException once opened, for elements that are no numbers, and for
   *     indirect memory (suboffsets)
   */
  public static ArraySource borrow(long address) {
    return new Borrowed(options -> read(address), null);
  }

  /**
   * As {@link #borrow(long)}; {@code release}, which should call {@code PyBuffer_Release}, runs
   * exactly once, on the thread that closes the array or drops its last export, or at once when the
   * array cannot be made.
   */
  public static ArraySource borrow(long address, Runnable release) {
    return new Borrowed(options -> read(address), release);
  }

  /** As {@link #fill(long, ArraySource, int, Options)} with {@link Options#defaults()}. */
  public static void fill(long address, ArraySource source, int flags) {
    fill(address, source, flags, Options.defaults());
  }

  /**
   * Fills the caller's {@code Py_buffer} as an exporter's {@code bf_getbuffer} must, except for
   * {@code obj}, which is set to null and is the caller's to fill. Formats are those of the {@code
   * struct} module in native sizes.
   *
   * <p><b>Ownership.</b> The struct holds the memory, by {@code internal}; {@link #release}, from
   * any thread, lets go of it. The source may be closed at once.
   *
   * @param address of 80 bytes, which need not be initialised and are not touched when this fails
   * @param flags {@code PyBUF_*}: what the consumer asks for
   * @throws CopyRefusedException when the consumer asks for write access to read-only memory, or
   *     cannot follow the strides
   * @throws io.arrowtensor.InterchangeException when the source cannot be exported under these
   *     options; nothing is held then
   */
  public static void fill(long address, ArraySource source, int flags, Options options) {
    Memory memory = Memory.forExport(source, options);
    try {
      Structs.requireAddress(address, STRUCT);
      memory.device().requireHostAccessible("describe by a " + STRUCT);
      NumpyType type = NumpyType.of(memory.dtype(), "a " + STRUCT);
      requireLayout(memory, flags);
      requireAccess(memory, flags);
      write(address, memory, type, flags);
    } catch (RuntimeException | Error e) {
      memory.release();
      throw e;
    }
  }

  /** Releases the memory of a struct from {@link #fill}; does nothing the second time. */
  public static void release(long address) {
    long block = RawMemory.longAt(address + BufferView.INTERNAL);
    if (block != 0) {
      RawMemory.putLong(address + BufferView.INTERNAL, 0);
      Structs.drop(block);
    }
  }

  private static void requireAccess(Memory memory, int flags) {
    if (asks(flags, BufferView.FLAG_WRITABLE) && memory.readOnly()) {
      throw new CopyRefusedException(
          "Cannot share read-only memory with a consumer that asks to write (PyBUF_WRITABLE): ask"
              + " for a read-only buffer, or export with Options.withAccess(Access.WRITABLE),"
              + " which copies");
    }
  }

  private static void requireLayout(Memory memory, int flags) {
    boolean rows = Shapes.isRowMajor(memory.shape(), memory.strides());
    boolean columns = Structs.isColumnMajor(memory.shape(), memory.strides());
    boolean any = asks(flags, BufferView.FLAG_ANY_CONTIGUOUS);
    boolean onlyRows =
        asks(flags, BufferView.FLAG_C_CONTIGUOUS) || !asks(flags, BufferView.FLAG_STRIDES);
    boolean onlyColumns = asks(flags, BufferView.FLAG_F_CONTIGUOUS);
    if ((onlyRows && !rows) || (onlyColumns && !columns) || (any && !rows && !columns)) {
      throw new CopyRefusedException(
          "Cannot share an array of shape "
              + Arrays.toString(memory.shape())
              + " and strides "
              + Arrays.toString(memory.strides())
              + " with a consumer that asks for contiguous memory (PyBUF flags 0x"
              + Integer.toHexString(flags)
              + "): ask for strides, or export contiguous(Options) of it");
    }
  }

  private static boolean asks(int flags, int flag) {
    return (flags & flag) == flag;
  }

  /** Without {@code PyBUF_ND} a consumer sees one dimension of bytes. */
  private static void write(long view, Memory memory, NumpyType type, int flags) {
    int ndim = memory.shape().length;
    long[] strides = ByteStrides.toBytes(strides(memory, flags), memory.dtype().itemSize());
    byte[] format = format(memory, type).getBytes(StandardCharsets.US_ASCII);
    long block = Structs.block(memory, 16L * ndim + format.length + 1);
    Structs.putLongs(block, memory.shape());
    Structs.putLongs(block + 8L * ndim, strides);
    RawMemory.copyFrom(format, 0, block + 16L * ndim, format.length);
    boolean shaped = asks(flags, BufferView.FLAG_ND);
    boolean strided = asks(flags, BufferView.FLAG_STRIDES);
    boolean typed = asks(flags, BufferView.FLAG_FORMAT);
    RawMemory.putLong(view + BufferView.BUF, memory.start());
    RawMemory.putLong(view + BufferView.OBJ, 0);
    RawMemory.putLong(view + BufferView.LEN, memory.nbytes());
    RawMemory.putLong(view + BufferView.ITEMSIZE, memory.dtype().itemSize());
    RawMemory.putInt(view + BufferView.READONLY, memory.readOnly() ? 1 : 0);
    RawMemory.putInt(view + BufferView.NDIM, shaped ? ndim : 1);
    RawMemory.putLong(view + BufferView.FORMAT, typed ? block + 16L * ndim : 0);
    RawMemory.putLong(view + BufferView.SHAPE, shaped && ndim > 0 ? block : 0);
    RawMemory.putLong(view + BufferView.STRIDES, strided && ndim > 0 ? block + 8L * ndim : 0);
    RawMemory.putLong(view + BufferView.SUBOFFSETS, 0);
    RawMemory.putLong(view + BufferView.INTERNAL, block);
  }

  /** Those of dimensions of size 1, which say nothing, as a strict consumer expects them. */
  private static long[] strides(Memory memory, int flags) {
    if (asks(flags, BufferView.FLAG_F_CONTIGUOUS)) {
      return Structs.columnMajor(memory.shape());
    }
    boolean rows = Shapes.isRowMajor(memory.shape(), memory.strides());
    return rows ? Shapes.rowMajor(memory.shape()) : memory.strides();
  }

  /** A native format promises C's alignment; {@code =} means the same types without it. */
  private static String format(Memory memory, NumpyType type) {
    return Structs.isAligned(memory, type.alignment()) ? type.format : "=" + type.format;
  }

  private static Memory read(long view) {
    Structs.requireAddress(view, STRUCT);
    int ndim = Structs.ndim(RawMemory.intAt(view + BufferView.NDIM), STRUCT);
    DType dtype = dtype(view);
    requireDirect(RawMemory.longAt(view + BufferView.SUBOFFSETS), ndim);
    long[] shape = shape(view, ndim, dtype);
    Memory memory =
        Memory.borrow(RawMemory.longAt(view + BufferView.BUF), dtype, shape)
            .withReadOnly(RawMemory.intAt(view + BufferView.READONLY) != 0);
    long len = RawMemory.longAt(view + BufferView.LEN);
    if (memory.nbytes() != len) {
      throw new InvalidStructException(
          "Invalid len "
              + len
              + " in a Py_buffer: shape "
              + Arrays.toString(shape)
              + " of "
              + dtype
              + " takes "
              + memory.nbytes()
              + " bytes");
    }
    long strides = RawMemory.longAt(view + BufferView.STRIDES);
    if (strides == 0 || RawMemory.longAt(view + BufferView.SHAPE) == 0) {
      return memory;
    }
    long[] bytes = Structs.longs(strides, ndim, "strides in a Py_buffer");
    return memory.withStrides(ByteStrides.toElements(shape, bytes, dtype.itemSize()));
  }

  /** A consumer that asked for neither format nor shape must not look at the item size. */
  private static DType dtype(long view) {
    long format = RawMemory.longAt(view + BufferView.FORMAT);
    long itemSize = RawMemory.longAt(view + BufferView.ITEMSIZE);
    if (format == 0 && RawMemory.longAt(view + BufferView.SHAPE) == 0) {
      return BufferFormat.BYTES;
    }
    DType dtype =
        format == 0
            ? BufferFormat.BYTES
            : BufferFormat.parse(RawMemory.cString(format, BufferFormat.MAX_LENGTH));
    if (itemSize != dtype.itemSize()) {
      throw new InvalidStructException(
          "Invalid itemsize "
              + itemSize
              + " in a Py_buffer: elements of "
              + dtype
              + " take "
              + dtype.itemSize()
              + (format == 0 ? "; ask for their format with PyBUF_FORMAT" : ""));
    }
    return dtype;
  }

  /**
   * A consumer that did not ask for a shape got {@code len} bytes, and one dimension (CPython) or
   * none (NumPy).
   */
  private static long[] shape(long view, int ndim, DType dtype) {
    long shape = RawMemory.longAt(view + BufferView.SHAPE);
    long len = RawMemory.longAt(view + BufferView.LEN);
    boolean scalar = ndim == 0 && len == dtype.itemSize();
    return shape == 0 && ndim < 2 && !scalar
        ? new long[] {len / dtype.itemSize()}
        : Structs.longs(shape, ndim, "shape in a Py_buffer");
  }

  private static void requireDirect(long suboffsets, int ndim) {
    if (suboffsets == 0) {
      return;
    }
    for (long suboffset : Structs.longs(suboffsets, ndim, "suboffsets in a Py_buffer")) {
      if (suboffset >= 0) {
        throw new UnsupportedTypeException(
            "Cannot read a Py_buffer with suboffsets: its elements lie behind pointers; copy it"
                + " into one piece of memory first");
      }
    }
  }
}
