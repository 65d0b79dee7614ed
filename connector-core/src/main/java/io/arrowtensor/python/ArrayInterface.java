package io.arrowtensor.python;

import io.arrowtensor.ColumnKind;
import io.arrowtensor.DType;
import io.arrowtensor.Device;
import io.arrowtensor.DeviceArray;
import io.arrowtensor.DeviceColumn;
import io.arrowtensor.DeviceMismatchException;
import io.arrowtensor.InvalidStructException;
import io.arrowtensor.Stream;
import io.arrowtensor.UnsupportedTypeException;
import io.arrowtensor.internal.Shapes;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * NumPy's {@code __array_interface__}, version 3, and its JSON form, in which XGBoost and others
 * take arrays. Immutable; a description, not an owner:
 *
 * <p><b>Lifetime.</b> Neither the object nor its JSON keeps the memory alive. What is described
 * must stay open for as long as the description, the JSON or anything made of them is used.
 *
 * <pre>{@code
 * String json = ArrayInterface.of(array).toJson();    // array stays open until the consumer is done
 * DeviceArray back = DeviceArray.from(ArrayInterface.borrow(json, producer::release));
 * }</pre>
 *
 * <p>The keys {@code descr} and {@code offset} are not read: the former repeats the typestr of the
 * types that are supported, the latter does not apply to an address.
 */
public final class ArrayInterface {
  static final int VERSION = 3;

  private final long[] shape;
  private final Typestr typestr;
  private final long address;
  private final boolean readOnly;
  private final long @Nullable [] strides;
  private final int version;
  private final @Nullable ArrayInterface mask;

  /** Takes over the arrays. */
  ArrayInterface(
      long[] shape,
      Typestr typestr,
      long address,
      boolean readOnly,
      long @Nullable [] strides,
      int version,
      @Nullable ArrayInterface mask) {
    Shapes.size(shape);
    if (strides != null && strides.length != shape.length) {
      throw new InvalidStructException(
          "Invalid strides: " + strides.length + " of them for " + shape.length + " dimensions");
    }
    if (version < 1 || version > VERSION) {
      throw new InvalidStructException(
          "Cannot read version " + version + " of the array interface: expected 1 to " + VERSION);
    }
    if (mask != null && mask.mask != null) {
      throw new InvalidStructException("Invalid mask: it has a mask itself");
    }
    this.shape = shape;
    this.typestr = typestr;
    this.address = address;
    this.readOnly = readOnly;
    this.strides = strides;
    this.version = version;
    this.mask = mask;
  }

  /**
   * Reads the JSON form: {@code
   * {"data":[address,readOnly],"shape":[..],"typestr":"<f4","version":3}} with {@code strides} and
   * {@code mask} where there are any. Touches no memory.
   *
   * @throws InvalidStructException for text that is no such description, duplicate keys and values
   *     out of range included
   */
  public static ArrayInterface parse(String json) {
    return InterfaceJson.parse(json);
  }

  /**
   * Describes {@code array}, which must stay open while the description is used.
   *
   * @throws DeviceMismatchException for memory that the host cannot reach
   * @throws UnsupportedTypeException for element types that NumPy does not have
   */
  public static ArrayInterface of(DeviceArray array) {
    requireHost(array.device());
    return describe(array);
  }

  /**
   * Describes the values of {@code column} and, where it has nulls, a mask of one bool a row, true
   * = value present. The column must stay open while the description is used.
   *
   * @throws UnsupportedTypeException for columns that are more than values and nulls
   */
  public static ArrayInterface of(DeviceColumn column) {
    requireHost(column.values().device());
    return describe(column);
  }

  /**
   * Describes an Arrow validity bitmap: one bit a row, least significant first, 1 = value present.
   * NumPy reads no such mask; XGBoost and cuDF do, and read no other.
   *
   * <pre>{@code
   * ArrayInterface.of(array).withMask(ArrayInterface.bitmap(vector.getValidityBufferAddress(), rows))
   * }</pre>
   *
   * @param address of the byte that holds the first row's bit as its lowest; 0 only for no rows
   */
  public static ArrayInterface bitmap(long address, long rows) {
    return new ArrayInterface(
        new long[] {rows}, Typestr.parse(Typestr.BITS), address, true, null, VERSION, null);
  }

  static ArrayInterface describe(DeviceArray array) {
    NumpyType type = NumpyType.of(array.dtype(), "an array interface");
    long[] bytes =
        array.isContiguous()
            ? null
            : ByteStrides.toBytes(array.strides(), array.dtype().itemSize());
    return new ArrayInterface(
        array.shape(),
        Typestr.parse(type.typestr()),
        array.size() == 0 ? 0 : array.address(),
        array.isReadOnly(),
        bytes,
        VERSION,
        null);
  }

  static ArrayInterface describe(DeviceColumn column) {
    if (column.kind() != ColumnKind.ARRAY || column.dictionary() != null) {
      throw new UnsupportedTypeException(
          "Cannot describe column '"
              + column.name()
              + "' by one array interface: it has "
              + (column.dictionary() != null ? "a dictionary" : "offsets")
              + "; describe its arrays one by one");
    }
    ArrayInterface values = describe(column.values());
    DeviceArray validity = column.validity();
    if (validity == null) {
      return values;
    }
    boolean rows = validity.ndim() == 1 && validity.dim(0) == column.rowCount();
    boolean beside = validity.device().equals(column.values().device());
    if (!rows || !beside || !validity.dtype().equals(DType.BOOL)) {
      throw new UnsupportedTypeException(
          "Invalid validity of column '"
              + column.name()
              + "': expected one bool a row on the device of the values, got "
              + validity);
    }
    return values.withMask(broadcast(describe(validity), values.shape.length));
  }

  /** One mask value a row, as a mask of {@code ndim} dimensions. */
  private static ArrayInterface broadcast(ArrayInterface rows, int ndim) {
    long[] shape = Arrays.copyOf(rows.shape, ndim);
    Arrays.fill(shape, 1, ndim, 1);
    long[] strides = rows.strides == null ? null : Arrays.copyOf(rows.strides, ndim);
    if (strides != null) {
      Arrays.fill(strides, 1, ndim, 1);
    }
    return new ArrayInterface(
        shape, rows.typestr, rows.address, rows.readOnly, strides, VERSION, null);
  }

  private static void requireHost(Device device) {
    if (!device.type().isHostAccessible()) {
      throw new DeviceMismatchException(
          "Cannot describe memory on "
              + device
              + " by __array_interface__: the host cannot reach it; use CudaArrayInterface, or"
              + " transfer it first");
    }
  }

  /**
   * Borrows what {@code json} describes. The caller guarantees that the memory outlives the array
   * and all exports of it.
   *
   * @throws io.arrowtensor.InterchangeException once opened, for anything that {@link #parse} or
   *     the options refuse
   */
  public static MaskedSource borrow(String json) {
    return source(json, null);
  }

  /**
   * As {@link #borrow(String)}; {@code release} runs exactly once, on the thread that closes the
   * array or drops its last export, or at once when the array cannot be made.
   */
  public static MaskedSource borrow(String json, Runnable release) {
    return source(json, release);
  }

  /** As {@link #borrow(String)}. */
  public static MaskedSource borrow(ArrayInterface description) {
    return source(description, null);
  }

  /** As {@link #borrow(String, Runnable)}. */
  public static MaskedSource borrow(ArrayInterface description, Runnable release) {
    return source(description, release);
  }

  private static MaskedSource source(String json, @Nullable Runnable release) {
    return new InterfaceSource(() -> parse(json).ready(), Device.CPU, release);
  }

  private static MaskedSource source(ArrayInterface description, @Nullable Runnable release) {
    return new InterfaceSource(description::ready, Device.CPU, release);
  }

  private CudaArrayInterface ready() {
    return new CudaArrayInterface(this, Stream.NONE);
  }

  /** The same with another mask, null for none. */
  public ArrayInterface withMask(@Nullable ArrayInterface mask) {
    return new ArrayInterface(shape, typestr, address, readOnly, strides, version, mask);
  }

  /** The dimensions; empty for a scalar. A copy. */
  public long[] shape() {
    return shape.clone();
  }

  /** The element type in NumPy's words: byte order, kind and bytes, as in {@code <f4}. */
  public String typestr() {
    return typestr.text();
  }

  Typestr type() {
    return typestr;
  }

  /** The address of the first element; 0 for no elements. */
  public long address() {
    return address;
  }

  /** Whether consumers must not write. */
  public boolean isReadOnly() {
    return readOnly;
  }

  /** Bytes from one index to the next, for each dimension; null for row-major order. A copy. */
  public long @Nullable [] strides() {
    return strides == null ? null : strides.clone();
  }

  /** The version that the producer wrote, 1 to 3. */
  public int version() {
    return version;
  }

  /** Which values are present, null when all are. */
  public @Nullable ArrayInterface mask() {
    return mask;
  }

  /** The JSON form, compact. */
  public String toJson() {
    return InterfaceJson.write(this, "");
  }

  /** Whether the JSON form is the same. */
  @Override
  public boolean equals(Object other) {
    return other instanceof ArrayInterface that && toJson().equals(that.toJson());
  }

  @Override
  public int hashCode() {
    return toJson().hashCode();
  }

  /** {@link #toJson()}. */
  @Override
  public String toString() {
    return toJson();
  }
}
